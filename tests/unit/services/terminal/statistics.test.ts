import { mean, percentile } from '../../../../services/terminal/statistics';

describe('percentile', () => {
  it('takes the nearest rank, whatever the order of the values', () => {
    expect(percentile([40, 10, 30, 20], 0.5)).toBe(20);
    expect(percentile([40, 10, 30, 20], 0.95)).toBe(40);
    expect(percentile([7], 0.5)).toBe(7);
  });

  it('is NaN of nothing', () => expect(percentile([], 0.5)).toBeNaN());
});

describe('mean', () => {
  it('averages', () => expect(mean([1, 2, 6])).toBe(3));
});
