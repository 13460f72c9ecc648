// Scores as people read them.

import type { Estimate, Intervals } from '../metrics/bootstrap';
import { unscoredClasses } from '../metrics/estimate';

const TITLES: Readonly<Record<string, string>> = {
  mdsc: 'mDSC',
  miou: 'mIoU',
  'point.mdsc': 'mDSC, one point',
  'point.miou': 'mIoU, one point',
  sensitivity: 'sensitivity',
  specificity: 'specificity',
  hd95_px: 'HD95 (px)',
  hd95_penalized_px: 'HD95, the diagonal for a miss (px)',
  miss_rate: 'miss rate',
  false_alarm_rate: 'false alarm rate',
  vanished_masks: "masks lost at the model's input size",
  vanished_lesions: "lesions lost at the model's input size",
  asd_px: 'surface distance (px)',
  accuracy: 'accuracy',
  macro_f1: 'macro F1',
  f1: 'F1',
  auroc: 'AUROC',
  average_precision: 'average precision',
  ece: 'calibration error (ECE)',
  brier: 'Brier score',
};

export function scoreTitle(name: string): string {
  return TITLES[name] ?? name;
}

/** `0.812 to 0.874`, or a dash where there is none. */
export function interval({ low, high }: Estimate): string {
  return low === undefined || high === undefined ? '-' : `${low.toFixed(3)} to ${high.toFixed(3)}`;
}

/** Says of which classes nothing is known; empty where something is known of each. */
export function unscored(
  { classes }: { classes: readonly string[] },
  { estimates }: Pick<Intervals, 'estimates'>,
): string[] {
  const names = unscoredClasses(classes, estimates);
  if (names.length === 0) return [];
  return [`Nothing to score: no image is of ${names.join(', ')}, and none was taken for it. Means leave it out.`];
}

/** How the intervals of a part came about, in a sentence. */
export function describeIntervals({ resamples, unit, units, seed }: Intervals): string {
  const what = unit === 'group' ? 'groups' : 'images';
  if (resamples === 0) return `No intervals: there are not two ${what} to draw from.`;
  const caution = units < 20 ? ` With only ${units} ${what} they tend to be too narrow.` : '';
  return `Intervals: percentile bootstrap, ${resamples} resamples of ${units} ${what}, seed ${seed}.${caution}`;
}
