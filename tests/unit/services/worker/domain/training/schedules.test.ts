import { recipeFor, type Recipe } from '../../../../../../services/worker/protocol/recipes';
import { hasStopped, learningRateAt } from '../../../../../../services/worker/domain/training/schedules';

/** A run of 10 epochs of 10 steps at a learning rate of 1. */
const recipe = (changes: Partial<Recipe>): Recipe =>
  recipeFor('segmentation', 'default', { learningRate: 1, epochs: 10, warmupSteps: 0, ...changes });
const rateAt = (changes: Partial<Recipe>, step: number, scores: number[] = []): number =>
  learningRateAt(recipe(changes), { step, stepsPerEpoch: 10, scores });
const rates = (changes: Partial<Recipe>): number[] => Array.from({ length: 100 }, (_, step) => rateAt(changes, step));

describe('the learning rate', () => {
  it('rises over the warm-up and then falls along a cosine', () => {
    const all = rates({ schedule: 'cosine', warmupSteps: 10 });
    expect([0, 4, 9, 10].map((step) => all[step])).toEqual([0.1, 0.5, 1, 1]);
    expect(all[55]).toBeCloseTo(0.505, 5);
    expect(all[99]).toBeLessThan(0.012);
  });

  it('spends no more than a quarter of a short run on the warm-up', () => {
    const short = recipe({ epochs: 1, warmupSteps: 10 });
    expect(learningRateAt(short, { step: 1, stepsPerEpoch: 8, scores: [] })).toBe(1);
  });

  it('stays where it is when the schedule is constant', () => {
    expect(new Set(rates({ schedule: 'constant' }))).toEqual(new Set([1]));
  });

  it('falls in a straight line to a hundredth', () => {
    const all = rates({ schedule: 'linear' });
    expect(all[0]).toBe(1);
    expect(all[50]).toBeCloseTo(0.505, 10);
    expect(all[99]).toBeCloseTo(0.01 + 0.99 / 100, 10);
  });

  it('rises and falls once in one cycle, and needs no warm-up for that', () => {
    const all = rates({ schedule: 'one-cycle', warmupSteps: 20 });
    expect(all[0]).toBeCloseTo(1 / 25, 10);
    expect(all[30]).toBeCloseTo(1, 10);
    expect(all[99]).toBeLessThan(0.002);
    const rising = all.slice(1).map((rate, at) => rate > all[at]!);
    expect(rising).toEqual([...Array<boolean>(30).fill(true), ...Array<boolean>(69).fill(false)]);
  });

  it('falls in steps of so many epochs', () => {
    const changes = { schedule: 'step', scheduleEpochs: 4, scheduleFactor: 0.5 } as const;
    expect([0, 39, 40, 79, 80, 99].map((step) => rateAt(changes, step))).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
  });

  it('falls when the score stands still, and again only after as many epochs more', () => {
    const changes = { schedule: 'plateau', scheduleEpochs: 2, scheduleFactor: 0.1, minDelta: 0.01 } as const;
    const scores = [0.5, 0.6, 0.605, 0.59, 0.6, 0.7, 0.7, 0.7];
    const after = scores.map((_, at) => rateAt(changes, 0, scores.slice(0, at + 1)));
    expect(after.map((rate) => Math.round(Math.log10(rate)))).toEqual([0, 0, 0, -1, -1, -1, -1, -2]);
  });
});

describe('early stopping', () => {
  const stops = (scores: number[], patience: number, minDelta = 0): boolean =>
    hasStopped(recipe({ patience, minDelta }), scores);

  it('ends a run whose score has not improved for as many epochs as its patience', () => {
    expect(stops([0.5, 0.6, 0.6], 2)).toBe(false);
    expect(stops([0.5, 0.6, 0.6, 0.55], 2)).toBe(true);
    expect(stops([0.5, 0.6, 0.6, 0.55, 0.61], 2)).toBe(false);
  });

  it('takes no gain below the least one that counts for an improvement', () => {
    expect(stops([0.5, 0.504, 0.508], 2, 0.01)).toBe(true);
    expect(stops([0.5, 0.504, 0.511], 2, 0.01)).toBe(false);
  });

  it('never ends a run without patience, nor before it has begun', () => {
    expect(stops([0.5, 0.4, 0.3, 0.2], 0)).toBe(false);
    expect(stops([], 1)).toBe(false);
  });
});
