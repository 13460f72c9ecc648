import { assess, type ScoredSample } from '../../../../../services/scoring/results/assessment';
import { scoreMask } from '../../../../../services/scoring/metrics/score-mask';

const [WIDTH, HEIGHT] = [40, 30];
const DIAGONAL = 50;
const square = (x: number, reach = 5): Uint8Array =>
  Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) =>
    Math.max(Math.abs((at % WIDTH) - x), Math.abs(Math.floor(at / WIDTH) - 15)) <= reach ? 1 : 0,
  );
const EMPTY = new Uint8Array(WIDTH * HEIGHT);
const score = (predicted: Uint8Array, truth: Uint8Array) => scoreMask(predicted, truth, WIDTH, HEIGHT);

describe('a mask', () => {
  it('that misses the lesion has no distance to it, but a penalty, and is a miss', () => {
    expect(score(EMPTY, square(12))).toMatchObject({
      dice: 0,
      hd95Px: null,
      asdPx: null,
      hd95PenalizedPx: DIAGONAL,
      missed: 1,
      falseAlarm: null,
    });
  });

  it('where there is nothing is a false alarm, with the same penalty', () => {
    const scores = { sensitivity: null, hd95Px: null, hd95PenalizedPx: DIAGONAL, missed: null, falseAlarm: 1 };
    expect(score(square(12), EMPTY)).toMatchObject(scores);
  });

  it('that is off has the same distance by both conventions, and misses nothing even where it meets nothing', () => {
    expect(score(square(20), square(12))).toMatchObject({ hd95Px: 8, hd95PenalizedPx: 8, missed: 0, falseAlarm: null });
    expect(score(square(32), square(8))).toMatchObject({ dice: 0, hd95Px: 24, missed: 0 });
    expect(score(EMPTY, EMPTY)).toMatchObject({ dice: 1, hd95Px: 0, hd95PenalizedPx: 0, missed: null, falseAlarm: 0 });
  });
});

describe('the scores of a part', () => {
  const samplesWith = (misses: number): ScoredSample[] =>
    Array.from({ length: 20 }, (_, index) => ({
      name: `${index}`,
      structures: [score(index < misses ? EMPTY : square(14), square(12))],
      point: null,
      probabilities: null,
      label: null,
    }));
  const estimates = (misses: number) =>
    assess(samplesWith(misses), { classes: [], structures: ['lesion'] }, { seed: 1 }).intervals.estimates;

  it.each([0, 10, 19])('say that %i of 20 lesions are missed, and on how many images a distance rests', (misses) => {
    const { hd95_px, hd95_penalized_px, asd_px, miss_rate } = estimates(misses);
    expect(hd95_px?.value).toBe(2);
    expect([hd95_px?.images, asd_px?.images]).toEqual(
      misses === 0 ? [undefined, undefined] : [20 - misses, 20 - misses],
    );
    expect(hd95_px?.low).toEqual(misses === 19 ? undefined : 2);
    expect(hd95_penalized_px?.value).toBeCloseTo((2 * (20 - misses) + DIAGONAL * misses) / 20, 12);
    expect(miss_rate?.value).toBeCloseTo(misses / 20, 12);
    expect(miss_rate).not.toHaveProperty('images');
  });

  it('have no distance at all where every lesion is missed', () => {
    const all = estimates(20);
    expect(Object.keys(all)).toEqual(['mdsc', 'miou', 'sensitivity', 'specificity', 'hd95_penalized_px', 'miss_rate']);
    expect(all).toMatchObject({ hd95_penalized_px: { value: DIAGONAL }, miss_rate: { value: 1, low: 1, high: 1 } });
  });
});
