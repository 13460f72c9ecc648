import { agreementByVersion, driftOf, weekOf } from '../../../../services/reviews/agreement';
import type { Agreed } from '../../../../services/reviews/review';
import { uncertaintyOf } from '../../../../services/reviews/uncertainty';

/** Uniform in `[0, 1)`. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** A model that people agree with the less, the less sure it is. @param fall of the last 30 */
function decided(seed: number, count: number, fall: number): Agreed[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, index) => {
    const uncertainty = next();
    const right = 1 - 0.5 * uncertainty - (index >= count - 30 ? fall : 0) + 0.2 * (next() - 0.5);
    return { model: 'polyp@1', uncertainty, agreement: Math.min(1, Math.max(0, right)), time: index };
  });
}

test('a fall of agreement raises the alarm, and says what to do', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const drift = driftOf(decided(seed, 150, 0.25));
    expect(drift).toMatchObject({ alarm: true, advice: expect.stringMatching(/Agreement fell by 0\.[12]\d/) });
    expect(drift?.change).toBeCloseTo(-0.25, 1);
  }
});

test('agreement that stays raises none', () => {
  for (let seed = 1; seed <= 50; seed += 1) expect(driftOf(decided(seed, 150, 0))?.alarm).toBe(false);
});

test('a queue of which only the uncertain ones are decided is no drift', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const all = decided(seed, 300, 0);
    const earlier = all.slice(0, 120);
    // Those added last, in the order of a queue: just the upper third of their uncertainties.
    const latest = all
      .slice(120)
      .sort((a, b) => b.uncertainty - a.uncertainty)
      .slice(0, 60);
    const mean = (agreed: readonly Agreed[]) => agreed.reduce((sum, each) => sum + each.agreement, 0) / agreed.length;
    expect(mean(latest)).toBeLessThan(mean(earlier) - 0.1);
    expect(driftOf([...earlier, ...latest])?.alarm).toBe(false);
  }
});

test('few decisions say nothing of drift', () => {
  expect(driftOf(decided(1, 59, 0.5))).toBeUndefined();
});

test('versions stand for themselves, by the weeks in which their predictions came', () => {
  const agreed = [
    { model: 'polyp@10', uncertainty: 0, agreement: 1, time: Date.UTC(2026, 10, 29, 23) },
    { model: 'polyp@10', uncertainty: 0, agreement: 0.5, time: Date.UTC(2026, 10, 30) },
    { model: 'polyp@2', uncertainty: 0, agreement: 0, time: Date.UTC(2026, 10, 23) },
  ];
  expect(agreementByVersion(agreed)).toEqual([
    {
      model: 'polyp@2',
      agreement: 0,
      count: 1,
      weeks: [{ week: '2026-11-23', agreement: 0, count: 1 }],
      drift: undefined,
    },
    {
      model: 'polyp@10',
      agreement: 0.75,
      count: 2,
      weeks: [
        { week: '2026-11-23', agreement: 1, count: 1 },
        { week: '2026-11-30', agreement: 0.5, count: 1 },
      ],
      drift: undefined,
    },
  ]);
  expect(weekOf(0)).toBe('1969-12-29');
});

const MODEL = { name: 'polyp', version: 1, base: '' };
const MASK = { structure: 'polyp', cocoRle: '', widthPx: 1, heightPx: 1 };

test('uncertainty is 0 for a sure answer and 1 for one that says nothing', () => {
  const classes = (...values: number[]) => values.map((probability, at) => ({ name: String(at), probability }));
  const classified = (...values: number[]) =>
    uncertaintyOf({ kind: 'classification', model: MODEL, predicted: '0', classes: classes(...values) });
  expect(classified(1, 0, 0)).toBe(0);
  expect(classified(1 / 3, 1 / 3, 1 / 3)).toBeCloseTo(1, 12);
  expect(classified(0.5, 0.5, 0)).toBeCloseTo(Math.log(2) / Math.log(3), 12);
  const segmented = (...means: (number | undefined)[]) =>
    uncertaintyOf({
      kind: 'segmentation',
      model: MODEL,
      threshold: 0.5,
      masks: means.map((mean) => (mean === undefined ? MASK : { ...MASK, meanProbability: mean })),
    });
  expect(segmented(1)).toBe(0);
  expect(segmented(0.75)).toBe(0.5);
  expect(segmented(undefined)).toBe(1);
  expect(segmented(1, undefined)).toBe(0.5);
});
