// The scores of a set of samples by name, each with the interval that says how sure it is. Names are the same wherever scores
// are asked for: `mdsc`, `accuracy`, `structure.<name>.miou`, `class.<name>.recall`.

import { bootstrap, type Intervals, type ScoreBasis, type WeightedScores } from '../metrics/bootstrap';
import { summarise, type Labels, type Outcome } from './evaluation';
import {
  classScores,
  confusionMatrix,
  definedMean,
  mostProbable,
  type ClassificationMetrics,
  type Overlap,
  type SegmentationMetrics,
} from '../metrics/metrics';
import {
  brierScore,
  calibrationBins,
  expectedCalibrationError,
  rank,
  rankingScores,
  type Prediction,
} from '../metrics/probability-metrics';
import type { Losses } from '../../checks/model-view';
import type { DrawnScores } from '../metrics/score-mask';

/** Of one structure on one image: the overlap, and what was measured besides; null where it is not defined. */
export type StructureScores = Overlap & Partial<Omit<DrawnScores, keyof Overlap>> & Partial<Losses>;

/** A sample and how well it came out. */
export interface ScoredSample extends Omit<Outcome, 'loss' | 'structures'> {
  name: string;
  /** Patient, sequence or source, which a resample takes or leaves as a whole. */
  group?: string | undefined;
  loss?: number;
  structures: StructureScores[] | null;
  widthPx?: number;
  heightPx?: number;
}

export type Assessment = (SegmentationMetrics | ClassificationMetrics) & { loss?: number; intervals: Intervals };

/** Scores that are means over images, or counts. */
interface Column {
  name: string;
  /** It is a sum over images, and no mean. */
  total: boolean;
  /** NaN where an image has no such score. */
  values: Float64Array;
  /** Masks of all images that have one, and masks in all. */
  masks: { defined: number; all: number };
  /** Of a count of lesions: those of all images. */
  lesions?: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const defined = (values: readonly (number | null | undefined)[]): number[] =>
  values.filter((value): value is number => value !== null && value !== undefined && !Number.isNaN(value));

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Sum of the values that are defined, and of their weights. */
function weighted(values: Float64Array, weights: Float64Array): [sum: number, total: number] {
  let [sum, total] = [0, 0];
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? NaN;
    if (Number.isNaN(value)) continue;
    const weight = weights[index] ?? 0;
    sum += weight * value;
    total += weight;
  }
  return [sum, total];
}

function weightedMean(values: Float64Array, weights: Float64Array): number {
  const [sum, total] = weighted(values, weights);
  return total === 0 ? NaN : sum / total;
}

function weightedSum(values: Float64Array, weights: Float64Array): number {
  const [sum, total] = weighted(values, weights);
  return total === 0 ? NaN : sum;
}

/** What is averaged over images, by name; of several structures first over those of an image. */
const STRUCTURE_SCORES: readonly [name: string, key: keyof StructureScores][] = [
  ['mdsc', 'dice'],
  ['miou', 'iou'],
  ['sensitivity', 'sensitivity'],
  ['specificity', 'specificity'],
  ['hd95_px', 'hd95Px'],
  ['hd95_penalized_px', 'hd95PenalizedPx'],
  ['asd_px', 'asdPx'],
  ['miss_rate', 'missed'],
  ['false_alarm_rate', 'falseAlarm'],
];

/** What is counted over the images, and over the structures of an image. */
const COUNTS: readonly [name: string, key: keyof Losses][] = [
  ['vanished_masks', 'vanished'],
  ['vanished_lesions', 'vanishedLesions'],
];

/** A count of one structure; null where there is nothing to lose, undefined where nobody looked. */
function lossOf(scores: StructureScores | undefined, key: keyof Losses): number | null | undefined {
  return scores?.vanished === null ? null : scores?.[key];
}

function segmentationColumns(samples: readonly ScoredSample[], structures: readonly string[]): Column[] {
  const column = (name: string, of: (sample: ScoredSample) => (number | null | undefined)[]): Column => {
    const scores = samples.map(of);
    const found = scores.map(defined);
    const count = (lists: readonly unknown[][]): number => lists.reduce((sum, list) => sum + list.length, 0);
    const masks = { defined: count(found), all: count(scores) };
    return { name, total: false, values: Float64Array.from(found, mean), masks };
  };
  const counts = (prefix: string, of: (sample: ScoredSample) => (StructureScores | undefined)[]): Column[] =>
    COUNTS.map(([name, key]) => {
      const found = column(`${prefix}${name}`, (sample) => of(sample).map((scores) => lossOf(scores, key)));
      const values = samples.map((sample) => defined(of(sample).map((scores) => lossOf(scores, key))));
      const totals = Float64Array.from(values, (some) => (some.length === 0 ? NaN : sumOf(some)));
      const lesions = sumOf(defined(samples.flatMap((sample) => of(sample).map((scores) => scores?.lesions))));
      return { ...found, total: true, values: totals, ...(key === 'vanishedLesions' ? { lesions } : {}) };
    });
  const overall = STRUCTURE_SCORES.map(([name, key]) =>
    column(name, (sample) => (sample.structures ?? []).map((scores) => scores[key])),
  );
  const ofPoint = STRUCTURE_SCORES.slice(0, 2).map(([name, key]) =>
    column(`point.${name}`, (sample) => (sample.point ?? []).map((scores) => scores[key as keyof Overlap])),
  );
  const each = structures.flatMap((structure, index) => [
    ...STRUCTURE_SCORES.map(([name, key]) =>
      column(`structure.${structure}.${name}`, (sample) => [sample.structures?.[index]?.[key]]),
    ),
    ...counts(`structure.${structure}.`, (sample) => [sample.structures?.[index]]),
  ]);
  const lost = counts('', (sample) => sample.structures ?? []);
  return [...overall, ...lost, ...ofPoint, ...(structures.length > 1 ? each : [])];
}

/** Images, and of several structures masks, that a mean is taken of where they are not all. */
function columnBasis({ values, masks, lesions }: Column): ScoreBasis {
  const has = Uint8Array.from(values, (value) => (Number.isNaN(value) ? 0 : 1));
  const images = countOf(has);
  return {
    ...(images < values.length ? { images } : {}),
    ...(masks.defined < masks.all && masks.all > values.length ? { masks: masks.defined } : {}),
    ...(lesions === undefined ? {} : { lesions }),
    needs: [has],
  };
}

function segmentationScores(samples: readonly ScoredSample[], structures: readonly string[]): WeightedScores {
  const columns = segmentationColumns(samples, structures).filter(({ values }) => !values.every(Number.isNaN));
  return {
    names: columns.map(({ name }) => name),
    bases: columns.map(columnBasis),
    evaluate: (weights) => columns.map(({ values, total }) => (total ? weightedSum : weightedMean)(values, weights)),
  };
}

/** Of classification samples what the model says and what is true. */
export function predictionsOf(samples: readonly ScoredSample[]): Prediction[] {
  return samples.map(({ probabilities, label }) => ({
    probabilities: probabilities ?? [],
    predicted: mostProbable(probabilities ?? []),
    label: label ?? 0,
  }));
}

const OVERALL = ['accuracy', 'macro_f1', 'auroc', 'average_precision', 'ece', 'brier'];
const PER_CLASS = ['precision', 'recall', 'f1', 'auroc', 'average_precision'];

const countOf = (members: Uint8Array): number => members.reduce((sum, member) => sum + member, 0);

/** Every score of an evaluation in its order, those that are not defined on its images included. */
export function scoreNames({ classes, structures }: Labels): string[] {
  if (classes.length > 0) {
    return [...OVERALL, ...classes.flatMap((name) => PER_CLASS.map((score) => `class.${name}.${score}`))];
  }
  const names = [...STRUCTURE_SCORES, ...COUNTS].map(([name]) => name);
  const each = structures.flatMap((structure) => names.map((name) => `structure.${structure}.${name}`));
  return [...names, ...(structures.length > 1 ? each : [])];
}

/** What each of PER_CLASS rests on: a class's images, those that were put into it, or both; AUROC on all others, too. */
function classBases(predictions: readonly Prediction[], index: number): ScoreBasis[] {
  const members = (of: (prediction: Prediction) => boolean): Uint8Array =>
    Uint8Array.from(predictions, (prediction) => (of(prediction) ? 1 : 0));
  const truth = members(({ label }) => label === index);
  const others = members(({ label }) => label !== index);
  const chosen = members(({ predicted }) => predicted === index);
  const either = members(({ label, predicted }) => label === index || predicted === index);
  const basis = (of: Uint8Array, needs = [of]): ScoreBasis => {
    const images = countOf(of);
    return { ...(images < predictions.length ? { images } : {}), needs };
  };
  return [basis(chosen), basis(truth), basis(either), basis(truth, [truth, others]), basis(truth)];
}

/** How well a model sorts, ranks and knows its limits. Of scores of classes the mean over the classes that have one. */
function classificationScores(predictions: readonly Prediction[], classes: readonly string[]): WeightedScores {
  const rankings = classes.map((_, index) =>
    rank(
      predictions.map(({ probabilities }) => probabilities[index] ?? 0),
      Uint8Array.from(predictions, ({ label }) => (label === index ? 1 : 0)),
    ),
  );
  const brier = Float64Array.from(predictions, brierScore);
  const right = Float64Array.from(predictions, ({ predicted, label }) => (predicted === label ? 1 : 0));
  const evaluate = (weights: Float64Array): { overall: number[]; perClass: number[][] } => {
    const scores = classScores(confusionMatrix(predictions, classes.length, weights), classes);
    const perClass = scores.map(({ precision, recall, f1 }, index) => {
      const { auroc, averagePrecision } = rankingScores(rankings[index]!, weights);
      return [precision, recall, f1, auroc, averagePrecision];
    });
    const meanOf = (score: string): number => definedMean(perClass.map((row) => row[PER_CLASS.indexOf(score)] ?? NaN));
    const calibration = expectedCalibrationError(calibrationBins(predictions, weights));
    const means = ['f1', 'auroc', 'average_precision'].map(meanOf);
    return { overall: [weightedMean(right, weights), ...means, calibration, weightedMean(brier, weights)], perClass };
  };
  const { perClass: rows } = evaluate(new Float64Array(predictions.length).fill(1));
  const meanBasis = (score: string): ScoreBasis => {
    const count = defined(rows.map((row) => row[PER_CLASS.indexOf(score)])).length;
    return count < classes.length ? { classes: count } : {};
  };
  const means = ['f1', 'auroc', 'average_precision'].map(meanBasis);
  return {
    names: scoreNames({ classes, structures: [] }),
    bases: [{}, ...means, {}, {}, ...classes.flatMap((_, index) => classBases(predictions, index))],
    evaluate: (weights) => {
      const { overall, perClass } = evaluate(weights);
      return [...overall, ...perClass.flat()];
    },
  };
}

/** The metrics of a part with the intervals of all scores. The same samples and seed give the same numbers. */
export function assess(
  samples: readonly ScoredSample[],
  labels: Labels,
  options: { seed: number; resamples?: number },
): Assessment {
  const { loss, ...metrics } = summarise(
    samples.map((sample) => ({ ...sample, loss: sample.loss ?? NaN })),
    labels,
  );
  const scores =
    labels.classes.length === 0
      ? segmentationScores(samples, labels.structures)
      : classificationScores(predictionsOf(samples), labels.classes);
  const groups = samples.map(({ group }) => group);
  return { ...metrics, ...(Number.isNaN(loss) ? {} : { loss }), intervals: bootstrap(scores, groups, options) };
}
