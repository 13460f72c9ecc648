import type { EpochMetrics, TrainingJob } from '../../../console-kit/api/job-types';

const NAMES: readonly [keyof EpochMetrics, string][] = [
  ['mdsc', 'mDSC'],
  ['accuracy', 'accuracy'],
];

/** Of the best epoch, with its name. */
export function bestScore({ progress }: TrainingJob): string {
  const best = progress?.best;
  const found = NAMES.find(([key]) => best?.[key] !== undefined);
  return best && found ? `${found[1]} ${best[found[0]]?.toFixed(3)}` : '';
}
