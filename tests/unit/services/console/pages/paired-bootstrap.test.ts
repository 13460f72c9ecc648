import { pairedDifference } from '../../../../../services/console/pages/models/paired-bootstrap';

const samples = (scores: readonly number[], group?: (at: number) => string) =>
  scores.map((score, at) => ({ name: `${at}.png`, score, ...(group ? { group: group(at) } : {}) }));

test('pairs by name, and a constant difference is certain', () => {
  const first = samples(Array.from({ length: 40 }, (_, at) => at / 100));
  const second = [...first].reverse().map(({ name, score }) => ({ name, score: score + 0.1 }));
  const difference = pairedDifference(first, second);
  expect(difference).toMatchObject({ imageCount: 40, unitCount: 40 });
  for (const value of [difference?.mean, difference?.low, difference?.high]) expect(value).toBeCloseTo(0.1, 9);
});

test('the interval is that of the normal approximation where there are many images', () => {
  const count = 400;
  const difference = pairedDifference(
    samples(Array.from({ length: count }, () => 0)),
    samples(Array.from({ length: count }, (_, at) => (at % 2 === 0 ? 1 : 0))),
  );
  // A standard deviation of 0.5, over the root of 400.
  expect(difference?.mean).toBe(0.5);
  expect(difference?.low).toBeCloseTo(0.5 - 1.96 * 0.025, 2);
  expect(difference?.high).toBeCloseTo(0.5 + 1.96 * 0.025, 2);
});

test('images of one patient are drawn together, so that the interval is wider', () => {
  const scores = Array.from({ length: 100 }, (_, at) => (at < 50 ? 1 : 0));
  const zeros = scores.map(() => 0);
  const alone = pairedDifference(samples(zeros), samples(scores));
  const grouped = pairedDifference(
    samples(zeros, (at) => `p${Math.floor(at / 25)}`),
    samples(scores),
  );
  expect(grouped?.unitCount).toBe(4);
  expect((grouped?.high ?? 0) - (grouped?.low ?? 0)).toBeGreaterThan(2 * ((alone?.high ?? 0) - (alone?.low ?? 0)));
});

test('one image in common says nothing', () => {
  expect(pairedDifference(samples([1]), samples([0]))).toBeUndefined();
});
