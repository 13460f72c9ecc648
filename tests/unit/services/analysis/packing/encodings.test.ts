import { choices, explainEncoding } from '../../../../../services/analysis';

const REFUSED = [
  { encoding: 'BINARY' as const, time: Date.UTC(2026, 0, 5), message: 'The receiver does not take it.' },
];

it('takes the encodings in the order of the destination', () => {
  expect(choices(['LABELMAP', 'BINARY'], []).map(({ encoding }) => encoding)).toEqual(['LABELMAP', 'BINARY']);
  expect(choices(['BINARY'], [])[0]?.reason).toBe('BINARY is the first encoding that the destination names.');
});

it('passes over what was refused, and says so', () => {
  const [first] = choices(['BINARY', 'LABELMAP', 'CAPTURE'], REFUSED);
  expect(first).toEqual({
    encoding: 'LABELMAP',
    reason: 'BINARY was refused on 2026-01-05T00:00:00.000Z: The receiver does not take it.',
  });
});

it('explains that a receiver takes nothing', () => {
  expect(explainEncoding(['BINARY'], REFUSED)).toEqual({
    encoding: '',
    reason: 'BINARY: The receiver does not take it.',
  });
});
