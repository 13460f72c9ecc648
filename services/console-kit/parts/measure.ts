import type { Mask } from '../api/types';
import { t } from '../texts/en';

/** Area and certainty, in words. */
export function measure({ areaPx, areaMm2, meanForegroundProbability }: Mask): string {
  if (areaPx === undefined) return t.try.nothing;
  const format = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
  const area =
    areaMm2 === undefined ? t.try.areaPx(format.format(Number(areaPx))) : t.try.areaMm2(format.format(areaMm2));
  if (meanForegroundProbability === undefined) return area;
  return `${area} · ${t.try.mean(t.units.percent(meanForegroundProbability))}`;
}
