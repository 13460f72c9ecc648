import type { EpochMetrics } from '../protocol';
import type { SampleOutcome } from './ports';
import {
  classificationMetrics,
  mostProbable,
  segmentationMetrics,
  type ClassificationMetrics,
  type SegmentationMetrics,
} from './metrics';

export type PartMetrics = (SegmentationMetrics | ClassificationMetrics) & { loss: number };

/** Metrics of one part from the trainer's results; `classes` is empty for segmentation. */
export function summarise(outcomes: readonly SampleOutcome[], classes: readonly string[]): PartMetrics {
  const loss = outcomes.reduce((sum, outcome) => sum + outcome.loss, 0) / Math.max(1, outcomes.length);
  if (classes.length === 0) {
    return { ...segmentationMetrics(outcomes.map(({ dice, iou }) => ({ dice: dice ?? 0, iou: iou ?? 0 }))), loss };
  }
  const predictions = outcomes.map(({ probabilities, label }) => ({
    predicted: mostProbable(probabilities ?? []),
    label: label ?? 0,
  }));
  return { ...classificationMetrics(predictions, classes), loss };
}

/** The number that "best" goes by: mDSC, or accuracy. */
export function scoreOf(metrics: PartMetrics): number {
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
  return 'mdsc' in validation
    ? { ...shared, mdsc: validation.mdsc, miou: validation.miou }
    : { ...shared, accuracy: validation.accuracy, macroF1: validation.macroF1 };
}
