// Scores of a model on a set of images, from the results of single images. A score with an empty denominator is NaN: nothing is
// known of it, which is not the worst value.

export interface OverlapMeans {
  /** Dice of the foreground, per image, averaged. */
  mdsc: number;
  /** Intersection over union of the foreground, per image, averaged. */
  miou: number;
}

/** Of several structures, the mean over the structures. */
export interface SegmentationMetrics extends OverlapMeans {
  images: number;
  /** Of each structure, where there are several. */
  structures?: (OverlapMeans & { name: string })[];
  /** Of a base with one point as prompt; the others are then with the true box. */
  point?: OverlapMeans;
}

export interface ClassMetrics {
  name: string;
  /** Share of the images put into this class that belong there; NaN when none was put into it. */
  precision: number;
  /** Share of this class's images that were put into it; NaN when there are none. */
  recall: number;
  /** Harmonic mean of both, 2 TP / (2 TP + FP + FN); NaN when there is no image of the class and none was put into it. */
  f1: number;
  /** Images of this class. */
  support: number;
}

export interface ClassificationMetrics {
  images: number;
  accuracy: number;
  /** Unweighted mean over the classes that have an F1; NaN when none has. */
  macroF1: number;
  classes: ClassMetrics[];
  /** Rows are true classes, columns predicted ones. */
  confusion: number[][];
}

export interface Overlap {
  dice: number;
  iou: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const ratio = (part: number, whole: number): number => (whole === 0 ? NaN : part / whole);

/** Mean of the values that are defined; NaN when none is. */
export function definedMean(values: readonly number[]): number {
  return mean(values.filter((value) => !Number.isNaN(value)));
}

/** Overlap of two masks of the same size; two empty masks agree fully. */
export function maskOverlap(predicted: Uint8Array, truth: Uint8Array): Overlap {
  const { dice, iou } = maskScores(predicted, truth);
  return { dice, iou };
}

export interface MaskScores extends Overlap {
  /** Share of the true foreground that was found; null when there is none. */
  sensitivity: number | null;
  /** Share of the true background that was left alone; null when there is none. */
  specificity: number | null;
  /** 1 where there is a true foreground and nothing was drawn, 0 where something was; null when there is none to miss. */
  missed: number | null;
  /** 1 where something was drawn though there is no true foreground, 0 where nothing was; null when there is one. */
  falseAlarm: number | null;
}

/** What the pixels of two masks of the same size say. */
export function maskScores(predicted: Uint8Array, truth: Uint8Array): MaskScores {
  let [both, drawn, real] = [0, 0, 0];
  for (let at = 0; at < truth.length; at += 1) {
    if (predicted[at]) drawn += 1;
    if (truth[at]) real += 1;
    if (predicted[at] && truth[at]) both += 1;
  }
  const either = drawn + real - both;
  const background = truth.length - real;
  return {
    dice: either === 0 ? 1 : (2 * both) / (drawn + real),
    iou: either === 0 ? 1 : both / either,
    sensitivity: real === 0 ? null : both / real,
    specificity: background === 0 ? null : (truth.length - either) / background,
    missed: real === 0 ? null : Number(drawn === 0),
    falseAlarm: real === 0 ? Number(drawn > 0) : null,
  };
}

function overlapMeans(results: readonly Overlap[]): OverlapMeans {
  return { mdsc: mean(results.map(({ dice }) => dice)), miou: mean(results.map(({ iou }) => iou)) };
}

export function segmentationMetrics(results: readonly Overlap[]): SegmentationMetrics {
  return { images: results.length, ...overlapMeans(results) };
}

/** @param results of each image the overlaps of its structures, in the order of `names` */
export function structureMetrics(
  results: readonly (readonly Overlap[])[],
  names: readonly string[],
): SegmentationMetrics {
  const all = segmentationMetrics(results.flat());
  const each = names.map((name, index) => ({ name, ...overlapMeans(results.flatMap((image) => image[index] ?? [])) }));
  return { ...all, images: results.length, ...(names.length > 1 ? { structures: each } : {}) };
}

export function mostProbable(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < probabilities.length; index += 1) {
    if ((probabilities[index] ?? 0) > (probabilities[best] ?? 0)) best = index;
  }
  return best;
}

/**
 * What a confusion matrix says of each class (rows are true classes, columns predicted ones), as scikit-learn's
 * precision_recall_fscore_support with zero_division=nan: a class that was predicted though it never occurs, or never
 * predicted though it occurs, has an F1 of 0.
 */
export function classScores(confusion: readonly (readonly number[])[], classes: readonly string[]): ClassMetrics[] {
  return classes.map((name, index) => {
    const hits = confusion[index]?.[index] ?? 0;
    const support = (confusion[index] ?? []).reduce((sum, count) => sum + count, 0);
    const predictedCount = confusion.reduce((sum, row) => sum + (row[index] ?? 0), 0);
    const precision = ratio(hits, predictedCount);
    const recall = ratio(hits, support);
    return { name, precision, recall, f1: ratio(2 * hits, predictedCount + support), support };
  });
}

/** @param weights of each result how often it counts; default: once */
export function confusionMatrix(
  results: readonly { predicted: number; label: number }[],
  classCount: number,
  weights?: Float64Array,
): number[][] {
  const confusion = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0));
  results.forEach(({ predicted, label }, index) => {
    const row = confusion[label];
    if (row?.[predicted] !== undefined) row[predicted] += weights?.[index] ?? 1;
  });
  return confusion;
}

export function classificationMetrics(
  results: readonly { predicted: number; label: number }[],
  classes: readonly string[],
): ClassificationMetrics {
  const confusion = confusionMatrix(results, classes.length);
  const perClass = classScores(confusion, classes);
  return {
    images: results.length,
    accuracy: mean(results.map(({ predicted, label }) => (predicted === label ? 1 : 0))),
    macroF1: definedMean(perClass.map(({ f1 }) => f1)),
    classes: perClass,
    confusion,
  };
}
