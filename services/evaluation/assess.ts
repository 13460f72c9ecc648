// The gateway's answers as scores with intervals.

import type { ClassifyResponse__Output } from '../../proto/gen/automed/classification/v1/ClassifyResponse';
import { labelOf } from '../datasets/layouts/class-names';
import { assess, type Assessment } from '../scoring/results/assessment';
import type { ClassificationMetrics, SegmentationMetrics } from '../scoring/metrics/metrics';
import type { Inspection } from './inspect';
import { classifiedSample, segmentedSample } from './scored-sample';
import type { Measured, StructureResult } from './run';

type Intervals = Pick<Assessment, 'intervals'>;

/**
 * @param seed of the resamples
 * @param losses of each sample what of its masks the model cannot see
 */
export function assessSegmentation(
  measured: readonly Measured<StructureResult[]>[],
  structures: readonly string[],
  seed: number,
  losses: Inspection['losses'] = new Map(),
): SegmentationMetrics & Intervals {
  const samples = measured.map(({ sample, result }) =>
    segmentedSample(
      sample,
      result.map(({ mask: _mask, ...scores }) => scores),
      losses.get(sample),
    ),
  );
  return assess(samples, { classes: [], structures }, { seed }) as SegmentationMetrics & Intervals;
}

/** @param classes those of the model, and those that the samples' labels count in */
export function assessClassification(
  measured: readonly Measured<ClassifyResponse__Output>[],
  classes: { known: readonly string[]; given: readonly string[] },
  seed: number,
): ClassificationMetrics & Intervals {
  const samples = measured.map(({ sample, result }) =>
    classifiedSample(
      sample,
      result.probabilities.map(({ probability }) => probability),
      labelOf(classes.given[sample.label ?? -1] ?? '', classes.known),
    ),
  );
  return assess(samples, { classes: classes.known, structures: [] }, { seed }) as ClassificationMetrics & Intervals;
}
