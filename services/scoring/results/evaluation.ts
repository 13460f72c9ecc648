import type { EpochMetrics } from './epoch-metrics';
import {
  classificationMetrics,
  mostProbable,
  structureMetrics,
  type ClassificationMetrics,
  type Overlap,
  type SegmentationMetrics,
} from '../metrics/metrics';

export type PartMetrics = (SegmentationMetrics | ClassificationMetrics) & { loss: number };

/** What the outcomes are about: classes, or for segmentation (no classes) the structures. */
export interface Labels {
  classes: readonly string[];
  structures: readonly string[];
}

/** What is known of one sample. */
export type Outcome = Omit<SampleOutcome, 'index' | 'probabilities'> & { probabilities: ArrayLike<number> | null };

/** Metrics of one part from the results of its samples. */
export function summarise(outcomes: readonly Outcome[], { classes, structures }: Labels): PartMetrics {
  const loss = outcomes.reduce((sum, outcome) => sum + outcome.loss, 0) / Math.max(1, outcomes.length);
  if (classes.length === 0) {
    const all = structureMetrics(
      outcomes.map((outcome) => outcome.structures ?? []),
      structures,
    );
    const points = outcomes.flatMap(({ point }) => (point === null ? [] : [point]));
    if (points.length === 0) return { ...all, loss };
    const { mdsc, miou } = structureMetrics(points, structures);
    return { ...all, point: { mdsc, miou }, loss };
  }
  const predictions = outcomes.map(({ probabilities, label }) => ({
    predicted: mostProbable(probabilities ?? []),
    label: label ?? 0,
  }));
  return { ...classificationMetrics(predictions, classes), loss };
}

/** The number that "best" goes by: mDSC, or accuracy. */
export function scoreOf(metrics: SegmentationMetrics | ClassificationMetrics): number {
  return 'mdsc' in metrics ? metrics.mdsc : metrics.accuracy;
}

export function epochMetrics(
  epoch: number,
  trainLoss: number,
  learningRate: number,
  validation: PartMetrics,
): EpochMetrics {
  const shared = {
    epoch,
    trainLoss,
    validationLoss: validation.loss,
    learningRate,
    score: scoreOf(validation),
  };
  if ('mdsc' in validation) {
    const { mdsc, miou, structures, point } = validation;
    return { ...shared, mdsc, miou, ...(structures ? { structures } : {}), ...(point ? { point } : {}) };
  }
  const { accuracy, macroF1 } = validation;
  // Messages between processes are JSON, which has no NaN: what is not defined is left out.
  return { ...shared, accuracy, ...(Number.isNaN(macroF1) ? {} : { macroF1 }) };
}

/** How well a model that is being trained answers one sample. */
export interface SampleOutcome {
  index: number;
  loss: number;
  /** Segmentation: of each structure. */
  structures: Overlap[] | null;
  /** A base: of each structure with one point as prompt; `structures` are then with the true box. */
  point: Overlap[] | null;
  /** Classification. */
  probabilities: Float32Array | null;
  label: number | null;
}
