import { duration } from '../../../../services/common/duration';
import { byteSize, scoreWithInterval, table } from '../../../../services/terminal/table';

describe('table', () => {
  it('pads the cells of a column to the widest and leaves no trailing blanks', () => {
    const lines = table(
      ['MODEL', 'SIZE'],
      [
        ['polyp@12', '1 B'],
        ['a', ''],
      ],
    ).split('\n');
    expect(lines).toEqual(['MODEL     SIZE', 'polyp@12  1 B', 'a']);
  });
});

describe('scoreWithInterval', () => {
  it('gives a score and the interval that it has', () => {
    expect(scoreWithInterval({ value: 0.83424, low: 0.8, high: 0.85 })).toBe('0.8342 (0.8000 to 0.8500)');
    expect(scoreWithInterval({ value: 0.5 })).toBe('0.5000');
    const lost = { value: 3, low: 0.5, high: 6 };
    expect(scoreWithInterval(lost, 'structure.disc.vanished_masks')).toBe('3 (0.5000 to 6.0000)');
  });
});

describe('byteSize', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [373_400_000, '373.4 MB'],
    [2_500_000_000_000, '2500.0 GB'],
  ])('writes %d as %s', (bytes, text) => expect(byteSize(bytes)).toBe(text));
});

describe('duration', () => {
  it.each([
    [-3, '0 s'],
    [99.4, '99 s'],
    [200, '3 min 20 s'],
    [7260, '2 h 1 min'],
  ])('writes %d seconds as %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});
