// Scores of class probabilities: how well they rank (ROC, precision-recall) and how far they can be believed (calibration).
// Everything takes the number of times that each sample counts, so that a bootstrap needs to sort only once.

/** Bins of the expected calibration error, of equal width over (0, 1]. */
export const CALIBRATION_BINS = 15;

/** The samples from the highest to the lowest probability of one class. */
export interface Ranking {
  /** Indices of the samples. */
  order: Uint32Array;
  /** By position in `order`: whether the next sample has a lower probability. Equal ones cannot be told apart. */
  endsTie: Uint8Array;
  /** By sample: 1 for the class, 0 for all others. */
  positive: Uint8Array;
}

/** @param scores of each sample the probability of the class */
export function rank(scores: ArrayLike<number>, positive: Uint8Array): Ranking {
  const order = Uint32Array.from({ length: positive.length }, (_, index) => index);
  order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const endsTie = Uint8Array.from(order, (sample, at) => (scores[sample] === scores[order[at + 1] ?? -1] ? 0 : 1));
  return { order, endsTie, positive };
}

/** A threshold's place in both curves: samples of the class, and others, that lie above it. */
export interface Operation {
  truePositives: number;
  falsePositives: number;
}

/** One entry for each distinct probability, from the strictest threshold to the loosest. */
export function operations({ order, endsTie, positive }: Ranking, weights?: Float64Array): Operation[] {
  const found: Operation[] = [];
  let [truePositives, falsePositives] = [0, 0];
  for (let at = 0; at < order.length; at += 1) {
    const sample = order[at] ?? 0;
    const weight = weights?.[sample] ?? 1;
    if (positive[sample]) truePositives += weight;
    else falsePositives += weight;
    if (endsTie[at]) found.push({ truePositives, falsePositives });
  }
  return found;
}

export interface RankingScores {
  /** Chance that a sample of the class is given a higher probability than another one; ties count half (midranks). */
  auroc: number;
  /** Precision at each threshold weighted by the recall it adds, without interpolation. */
  averagePrecision: number;
}

/** NaN where the class, or everything else, does not occur. */
export function rankingScores({ order, endsTie, positive }: Ranking, weights: Float64Array): RankingScores {
  let [hits, misses, tiedHits, tiedMisses, area, precision] = [0, 0, 0, 0, 0, 0];
  for (let at = 0; at < order.length; at += 1) {
    const sample = order[at] ?? 0;
    const weight = weights[sample] ?? 0;
    if (positive[sample]) tiedHits += weight;
    else tiedMisses += weight;
    if (!endsTie[at]) continue;
    area += tiedMisses * (hits + tiedHits / 2);
    hits += tiedHits;
    misses += tiedMisses;
    if (tiedHits > 0) precision += (tiedHits * hits) / (hits + misses);
    tiedHits = 0;
    tiedMisses = 0;
  }
  return {
    auroc: hits === 0 || misses === 0 ? NaN : area / (hits * misses),
    averagePrecision: hits === 0 ? NaN : precision / hits,
  };
}

/** What a model says of one sample. */
export interface Prediction {
  /** One per class; sums to 1. */
  probabilities: ArrayLike<number>;
  predicted: number;
  label: number;
}

export interface CalibrationBin {
  /** Samples whose confidence (highest probability) falls into the bin. */
  count: number;
  /** Mean confidence, and share of right answers; 0 for an empty bin. */
  confidence: number;
  accuracy: number;
}

/** The bins, each open below and closed above, as Guo et al. 2017 ("On Calibration of Modern Neural Networks") have them. */
export function calibrationBins(
  predictions: readonly Prediction[],
  weights?: Float64Array,
  bins = CALIBRATION_BINS,
): CalibrationBin[] {
  const found = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, accuracy: 0 }));
  predictions.forEach(({ probabilities, predicted, label }, index) => {
    const weight = weights?.[index] ?? 1;
    const confidence = probabilities[predicted] ?? 0;
    const bin = found[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))]!;
    bin.count += weight;
    bin.confidence += weight * confidence;
    bin.accuracy += predicted === label ? weight : 0;
  });
  return found.map(({ count, confidence, accuracy }) =>
    count === 0
      ? { count, confidence: 0, accuracy: 0 }
      : { count, confidence: confidence / count, accuracy: accuracy / count },
  );
}

/** Mean distance of confidence and accuracy over the bins, by their samples (Guo et al. 2017, equation 3). */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return (
    bins.reduce((sum, { count, confidence, accuracy }) => sum + count * Math.abs(accuracy - confidence), 0) / total
  );
}

/** Squared distance of the probabilities from the truth, summed over the classes: 0 to 2 (Brier 1950). */
export function brierScore({ probabilities, label }: Prediction): number {
  let sum = 0;
  for (let index = 0; index < probabilities.length; index += 1) {
    sum += ((probabilities[index] ?? 0) - (index === label ? 1 : 0)) ** 2;
  }
  return sum;
}
