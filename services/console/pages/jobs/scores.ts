import type { EpochMetrics, TrainingJob } from '../../../console-kit/api/job-types';
import { t } from '../../../console-kit/texts/en';

const NAMES: readonly [keyof EpochMetrics, string][] = [
  ['mdsc', t.scores['mdsc'] ?? ''],
  ['accuracy', t.scores['accuracy'] ?? ''],
];

/** Of the best epoch, with its name. */
export function bestScore({ progress }: TrainingJob): string {
  const best = progress?.best;
  const found = NAMES.find(([key]) => best?.[key] !== undefined);
  return best && found ? `${found[1]} ${best[found[0]]?.toFixed(3)}` : '';
}
