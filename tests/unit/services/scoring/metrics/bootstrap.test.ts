import { bootstrap, quantile, type WeightedScores } from '../../../../../services/scoring/metrics/bootstrap';

/** The share of ones among zeros and ones. */
function share(values: readonly number[]): WeightedScores {
  return {
    names: ['share'],
    evaluate: (weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return [values.reduce((sum, value, index) => sum + value * (weights[index] ?? 0), 0) / total];
    },
  };
}

const values = Array.from({ length: 100 }, (_, index) => (index < 30 ? 1 : 0));
const alone = values.map(() => undefined);

describe('quantile', () => {
  it('lies between the nearest values', () => {
    expect([0, 0.25, 0.5, 1].map((at) => quantile([1, 2, 4, 8], at))).toEqual([1, 1.75, 3, 8]);
  });
});

describe('bootstrap', () => {
  it('gives a share the interval of its binomial distribution', () => {
    const { estimates, ...how } = bootstrap(share(values), alone, { seed: 1 });
    expect(how).toEqual({ confidence: 0.95, resamples: 2000, seed: 1, unit: 'image', units: 100 });
    // The 2.5th and 97.5th percentiles of Binomial(100, 0.3) are 21 and 39; one more or less is the noise of 2,000 draws.
    expect(estimates['share']?.value).toBeCloseTo(0.3, 12);
    expect(Math.abs((estimates['share']?.low ?? 0) - 0.21)).toBeLessThanOrEqual(0.0101);
    expect(Math.abs((estimates['share']?.high ?? 0) - 0.39)).toBeLessThanOrEqual(0.0101);
  });

  it('draws whole groups, which makes an interval as wide as its few patients deserve', () => {
    const groups = values.map((_, index) => `patient ${Math.floor(index / 10)}`);
    const { estimates, unit, units } = bootstrap(share(values), groups, { seed: 1 });
    expect([unit, units]).toEqual(['group', 10]);
    // Ten patients of whom three are all ones: Binomial(10, 0.3) lies within 0 or 1, and 6.
    expect(estimates['share']?.low).toBeLessThanOrEqual(0.1);
    expect(estimates['share']?.high).toBeCloseTo(0.6, 12);
  });

  it('is the same for the same seed and another for another', () => {
    const of = (seed: number): object => bootstrap(share(values), alone, { seed, resamples: 300 }).estimates;
    expect(of(5)).toEqual(of(5));
    expect(of(5)).not.toEqual(of(6));
  });

  it('gives no interval where there is only one patient, and no score that is not defined', () => {
    const one = bootstrap(
      share(values),
      values.map(() => 'the patient'),
      { seed: 1 },
    );
    expect(one).toMatchObject({ units: 1, resamples: 0 });
    expect(Object.keys(one.estimates['share'] ?? {})).toEqual(['value']);
    const undefinedScore: WeightedScores = { names: ['a', 'b'], evaluate: () => [NaN, 1] };
    expect(bootstrap(undefinedScore, alone, { seed: 1 }).estimates).toEqual({ b: { value: 1, low: 1, high: 1 } });
  });

  it('gives no interval to a score that most resamples do not have', () => {
    const rare: WeightedScores = { names: ['rare'], evaluate: (weights) => [(weights[0] ?? 0) > 1 ? 1 : NaN] };
    const all = bootstrap({ ...rare, evaluate: (weights) => [(weights[0] ?? 0) > 0 ? 1 : NaN] }, alone, { seed: 1 });
    // A share of (1 - 1/100)^100 of the resamples lacks the one sample; the estimate says how many have it.
    expect(all.estimates['rare']).toEqual({ value: 1, low: 1, high: 1, resamples: 1246 });
    expect(bootstrap(rare, alone, { seed: 1 }).estimates).toEqual({});
    const first = (weights: Float64Array): number => (weights.every((weight) => weight === 1) ? 0.5 : NaN);
    const never: WeightedScores = { names: ['rare'], evaluate: (weights) => [first(weights)] };
    expect(bootstrap(never, alone, { seed: 1 }).estimates).toEqual({ rare: { value: 0.5, resamples: 0 } });
  });
});
