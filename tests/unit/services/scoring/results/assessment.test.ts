import { assess, scoreNames, type ScoredSample } from '../../../../../services/scoring/results/assessment';

const segmented = (name: string, dice: number, more: Partial<ScoredSample> = {}): ScoredSample => ({
  name,
  structures: [{ dice, iou: dice / (2 - dice) }],
  point: null,
  probabilities: null,
  label: null,
  ...more,
});
const sorted = (label: number, probabilities: number[]): ScoredSample => ({
  name: `${label}`,
  structures: null,
  point: null,
  probabilities,
  label,
});

describe('assess', () => {
  it('gives the means of a segmentation with intervals around them', () => {
    const samples = Array.from({ length: 40 }, (_, index) => segmented(`${index}`, 0.6 + 0.01 * (index % 10)));
    const { intervals, ...metrics } = assess(samples, { classes: [], structures: ['polyp'] }, { seed: 1 });
    expect(metrics).toMatchObject({ images: 40, mdsc: expect.closeTo(0.645, 12) });
    expect(metrics).not.toHaveProperty('loss');
    expect(Object.keys(intervals.estimates)).toEqual(['mdsc', 'miou']);
    expect(scoreNames({ classes: [], structures: ['polyp'] })).toEqual(expect.arrayContaining(['miou', 'miss_rate']));
    const { value, low = 0, high = 0 } = intervals.estimates['mdsc'] ?? { value: 0 };
    // The standard error is 0.0287 / sqrt(40) = 0.0045, and 1.96 of them are 0.0089.
    expect(value).toBeCloseTo(0.645, 12);
    expect(value - low).toBeCloseTo(0.0089, 2);
    expect(high - value).toBeCloseTo(0.0089, 2);
  });

  it('names the scores of each structure, and leaves out of a mean what an image does not have', () => {
    const both = (name: string, first: number | null, second: number | null): ScoredSample =>
      segmented(name, 0, {
        structures: [
          { dice: 0.8, iou: 0.7, hd95Px: first },
          { dice: 0.6, iou: 0.5, hd95Px: second },
        ],
      });
    const { intervals } = assess(
      [both('a', 2, null), both('b', 4, null)],
      { classes: [], structures: ['disc', 'cup'] },
      { seed: 1, resamples: 50 },
    );
    const valueOf = (name: string): number | undefined => intervals.estimates[name]?.value;
    expect(valueOf('mdsc')).toBeCloseTo(0.7, 12);
    expect([valueOf('structure.disc.mdsc'), valueOf('structure.cup.mdsc')]).toEqual([0.8, 0.6]);
    expect([valueOf('hd95_px'), valueOf('structure.disc.hd95_px')]).toEqual([3, 3]);
    expect(intervals.estimates).not.toHaveProperty('structure.cup.hd95_px');
  });

  it('scores classes by decision, by ranking and by calibration', () => {
    const samples = [
      sorted(0, [0.9, 0.1]),
      sorted(0, [0.6, 0.4]),
      sorted(0, [0.3, 0.7]),
      sorted(1, [0.2, 0.8]),
      sorted(1, [0.4, 0.6]),
    ];
    const { intervals, ...metrics } = assess(samples, { classes: ['a', 'b'], structures: [] }, { seed: 2 });
    expect(metrics).toMatchObject({ accuracy: 0.8, confusion: [[2, 1], [0, 2]] }); // prettier-ignore
    const valueOf = (name: string): number => intervals.estimates[name]?.value ?? NaN;
    expect(valueOf('accuracy')).toBeCloseTo(0.8, 12);
    expect(valueOf('macro_f1')).toBeCloseTo((2 * (2 / 3) + 0) / (2 / 3 + 1) / 2 + 0.4, 12);
    expect(valueOf('class.b.precision')).toBeCloseTo(2 / 3, 12);
    expect(valueOf('class.b.recall')).toBe(1);
    // Of six pairs of an a and a b, five have the b above the a.
    expect(valueOf('class.b.auroc')).toBeCloseTo(5 / 6, 12);
    expect(valueOf('auroc')).toBeCloseTo(5 / 6, 12);
    expect(valueOf('brier')).toBeCloseTo((2 * (0.01 + 0.16 + 0.49 + 0.04 + 0.16)) / 5, 12);
    expect(intervals.estimates['accuracy']).toMatchObject({ low: expect.any(Number), high: 1 });
  });

  it('leaves out the scores of a class that never occurs instead of calling them 0', () => {
    const samples = [sorted(0, [0.9, 0.1, 0]), sorted(1, [0.4, 0.6, 0])];
    const { intervals } = assess(samples, { classes: ['a', 'b', 'c'], structures: [] }, { seed: 2, resamples: 50 });
    expect(intervals.estimates['class.c.auroc']).toBeUndefined();
    expect(intervals.estimates['auroc']?.value).toBe(1);
    expect(Object.keys(intervals.estimates).filter((name) => name.startsWith('class.c.'))).toEqual([]);
    expect(intervals.estimates['macro_f1']).toMatchObject({ value: 1, low: 1, high: 1, classes: 2 });
  });

  it('gives a faultless model no interval down to 0 for a rare class, and none at all for a class of one image', () => {
    const labels = [...Array<number>(18).fill(0), ...Array<number>(19).fill(1), 2, 2, 3];
    const samples = labels.map((label) =>
      sorted(
        label,
        [0, 1, 2, 3].map((each) => (each === label ? 0.7 : 0.1)),
      ),
    );
    const { intervals } = assess(samples, { classes: ['a', 'b', 'c', 'd'], structures: [] }, { seed: 1 });
    const { estimates } = intervals;
    for (const score of ['precision', 'recall', 'f1', 'auroc']) {
      // Of 40 images 2 are of c: 0.95^40 = 13 % of the resamples hold none of them.
      const { resamples = 0, ...of } = estimates[`class.c.${score}`] ?? { value: NaN };
      expect([score, of]).toEqual([score, { value: 1, low: 1, high: 1, images: 2 }]);
      expect(resamples).toBeGreaterThan(1650);
      expect(resamples).toBeLessThan(1800);
      expect([score, estimates[`class.d.${score}`]]).toEqual([score, { value: 1, images: 1 }]);
    }
    expect(estimates['macro_f1']).toEqual({ value: 1, low: 1, high: 1 });
    expect(estimates['class.a.recall']).toEqual({ value: 1, low: 1, high: 1, images: 18 });
  });

  it('says over how many images and masks a mean is taken, and gives none of one patient an interval', () => {
    const distances = (name: string, group: string, ...px: (number | null)[]): ScoredSample =>
      segmented(name, 0, { group, structures: px.map((hd95Px) => ({ dice: 0.5, iou: 0.4, hd95Px })) });
    const of = (samples: ScoredSample[], structures: string[]) =>
      assess(samples, { classes: [], structures }, { seed: 1, resamples: 200 }).intervals.estimates;
    const single = of([distances('a', 'p', 2), distances('b', 'p', 4), distances('c', 'q', null)], ['disc']);
    expect(single['hd95_px']).toEqual({ value: 3, images: 2 });
    expect(single['mdsc']).not.toHaveProperty('images');
    const both = of([distances('a', 'p', 2, 3), distances('b', 'q', 4, null)], ['disc', 'cup']);
    expect(both['hd95_px']).toMatchObject({ value: 3.25, masks: 3, low: expect.any(Number) });
    expect(both['hd95_px']).not.toHaveProperty('images');
    expect(both['structure.cup.hd95_px']).toEqual({ value: 3, images: 1 });
  });
});
