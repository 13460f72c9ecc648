import {
  brierScore,
  calibrationBins,
  expectedCalibrationError,
  operations,
  rank,
  rankingScores,
  type Prediction,
} from '../../../../../services/scoring/metrics/probability-metrics';

// Computed with scipy 1.x: rankdata's midranks for the area, the sum of precision times added recall for the other.
const LABELS = [
  1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1,
  0,
];
const SCORES = [
  0.6, 0.8, 0.5, 0.3, 0.4, 0.7, 1.0, 0.5, 0.3, 0.7, 0.2, 0.3, 0.8, 0.5, 0.4, 0.6, 0.0, 0.9, 0.2, 0.0, 0.5, 0.6, 0.5,
  0.3, 0.4, 0.4, 1.0, 0.8, 0.4, 0.9, 0.5, 0.4, 0.7, 0.5, 0.3, 0.4, 0.7, 0.0, 0.8, 0.5,
];
const once = (count: number): Float64Array => new Float64Array(count).fill(1);

/** From the definition: every pair of a sample of the class and another one, a tie counts half. */
function pairwise(scores: readonly number[], labels: readonly number[]): number {
  let [won, pairs] = [0, 0];
  scores.forEach((high, a) =>
    scores.forEach((low, b) => {
      if (!labels[a] || labels[b]) return;
      pairs += 1;
      won += high > low ? 1 : high === low ? 0.5 : 0;
    }),
  );
  return won / pairs;
}

describe('rankingScores', () => {
  const ranking = rank(SCORES, Uint8Array.from(LABELS));

  it('gives the area under the ROC curve and the average precision, with many ties', () => {
    const { auroc, averagePrecision } = rankingScores(ranking, once(40));
    expect(auroc).toBeCloseTo(0.7280701754385965, 12);
    expect(auroc).toBeCloseTo(pairwise(SCORES, LABELS), 12);
    expect(averagePrecision).toBeCloseTo(0.7466737495913698, 12);
  });

  it('counts a sample of weight two like two samples, and one of weight none not at all', () => {
    const weights = once(40);
    weights[0] = 2;
    weights[1] = 0;
    const kept = [0, ...SCORES.keys()].filter((index) => index !== 1);
    const again = rank(
      kept.map((index) => SCORES[index] ?? 0),
      Uint8Array.from(kept, (index) => LABELS[index] ?? 0),
    );
    const [weighted, repeated] = [rankingScores(ranking, weights), rankingScores(again, once(40))];
    expect(weighted.auroc).toBeCloseTo(repeated.auroc, 12);
    expect(weighted.averagePrecision).toBeCloseTo(repeated.averagePrecision, 12);
  });

  it('is 1 for a perfect order, 0 for its reverse, a half for none at all', () => {
    const auroc = (scores: number[]): number =>
      rankingScores(rank(scores, Uint8Array.from([0, 0, 1, 1])), once(4)).auroc;
    expect([auroc([1, 2, 3, 4]), auroc([4, 3, 2, 1]), auroc([7, 7, 7, 7])]).toEqual([1, 0, 0.5]);
  });

  it('is not defined where the class, or everything else, is absent', () => {
    const of = (labels: number[]): object => rankingScores(rank([0.1, 0.2], Uint8Array.from(labels)), once(2));
    expect(of([0, 0])).toEqual({ auroc: NaN, averagePrecision: NaN });
    expect(of([1, 1])).toEqual({ auroc: NaN, averagePrecision: 1 });
  });
});

describe('operations', () => {
  it('has one threshold for each distinct probability', () => {
    const found = operations(rank([0.9, 0.5, 0.5, 0.1], Uint8Array.from([1, 1, 0, 0])));
    expect(found).toEqual([
      { truePositives: 1, falsePositives: 0 },
      { truePositives: 2, falsePositives: 1 },
      { truePositives: 2, falsePositives: 2 },
    ]);
  });
});

describe('calibration', () => {
  const sure = (confidence: number, right: boolean): Prediction => ({
    probabilities: [confidence, 1 - confidence],
    predicted: 0,
    label: right ? 0 : 1,
  });

  it('weighs the gap of each bin by its samples', () => {
    // Ten at 0.9 of which six are right, thirty at 0.7 of which twenty-one are: 10/40 x 0.3 + 30/40 x 0.
    const predictions = [
      ...Array.from({ length: 10 }, (_, index) => sure(0.9, index < 6)),
      ...Array.from({ length: 30 }, (_, index) => sure(0.7, index < 21)),
    ];
    expect(expectedCalibrationError(calibrationBins(predictions))).toBeCloseTo(0.075, 12);
  });

  it('closes bins above, so that full confidence is in the last and 1/15 in the first', () => {
    const bins = calibrationBins([sure(1, true), sure(1 / 15, false)]);
    expect(bins).toHaveLength(15);
    expect([bins[0]?.count, bins[14]?.count]).toEqual([1, 1]);
  });

  it('scores probabilities by their squared distance from the truth', () => {
    expect(brierScore({ probabilities: [1, 0, 0], predicted: 0, label: 0 })).toBe(0);
    expect(brierScore({ probabilities: [1, 0, 0], predicted: 0, label: 2 })).toBe(2);
    expect(brierScore({ probabilities: [0.5, 0.3, 0.2], predicted: 0, label: 1 })).toBeCloseTo(0.25 + 0.49 + 0.04, 12);
  });
});
