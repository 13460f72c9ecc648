// How much people agree with a version of a model over time, and whether that has fallen.

import { diceOfRuns, parseRuns } from '../common/coco-rle';
import type { Agreed, Decision, Prediction, ReviewMask } from './review';

/** Latest predictions that are compared, and the fewest earlier ones. */
const LATEST = 30;
const FEWEST_EARLIER = 30;
/** Earlier predictions beside each of the latest: those that were most nearly as uncertain. */
const NEIGHBOURS = 5;
/** A smaller fall is no alarm, however sure. */
const SMALLEST_FALL = 0.05;
/** One-sided, 99 of 100 (normal quantile). */
const SURE = 2.326;
const DAY_MS = 86_400_000;

export interface Drift {
  alarm: boolean;
  /** Below 0: people agree less. */
  change: number;
  standardError: number;
  count: number;
  advice: string;
}

export interface VersionAgreement {
  model: string;
  agreement: number;
  count: number;
  /** By Mondays, `2026-11-23`, the oldest first. */
  weeks: { week: string; agreement: number; count: number }[];
  drift: Drift | undefined;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const runsOf = ({ cocoRle, widthPx, heightPx }: ReviewMask): number[] => parseRuns(cocoRle, widthPx * heightPx);

/** What a decision says of a prediction, `[0, 1]`. */
export function agreementOf(prediction: Prediction, { state, masks }: Pick<Decision, 'state' | 'masks'>): number {
  if (state === 'ACCEPTED') return 1;
  if (state === 'REJECTED' || prediction.kind === 'classification') return 0;
  return mean(masks.map((mask, at) => diceOfRuns(runsOf(mask), runsOf(prediction.masks[at] as ReviewMask))));
}

/** The Monday of a time's week, UTC. */
export function weekOf(time: number): string {
  const day = Math.floor(time / DAY_MS);
  // 1970 began on a Thursday, three days after a Monday.
  const monday = day - ((day + 3) % 7);
  return new Date(monday * DAY_MS).toISOString().slice(0, 10);
}

/**
 * Compares each of the latest predictions with earlier ones that were about as uncertain: reviewers begin with the uncertain
 * ones, so that a queue which is half done agrees less without anything having changed.
 * @param agreed of one version, in the order in which the predictions were added
 */
export function driftOf(agreed: readonly Agreed[]): Drift | undefined {
  if (agreed.length < LATEST + FEWEST_EARLIER) return undefined;
  const earlier = agreed.slice(0, -LATEST);
  const changes = agreed.slice(-LATEST).map((each) => each.agreement - expected(each, earlier));
  const change = mean(changes);
  const variance = changes.reduce((sum, value) => sum + (value - change) ** 2, 0) / (LATEST - 1);
  // What is expected has an error of its own, which neighbours share; that of a mean of so many neighbours is added.
  const standardError = Math.sqrt((variance / LATEST) * (1 + 1 / NEIGHBOURS));
  const alarm = change <= -SMALLEST_FALL && change < -SURE * standardError;
  return { alarm, change, standardError, count: LATEST, advice: alarm ? adviceOf(change) : '' };
}

const adviceOf = (change: number): string =>
  `Agreement fell by ${(-change).toFixed(2)} against earlier predictions of the same uncertainty: look at what has changed in the images (device, site, protocol), and train on the amended ones.`;

function expected({ uncertainty }: Agreed, earlier: readonly Agreed[]): number {
  const distance = (other: Agreed): number => Math.abs(other.uncertainty - uncertainty);
  const nearest = [...earlier].sort((a, b) => distance(a) - distance(b)).slice(0, NEIGHBOURS);
  return mean(nearest.map(({ agreement }) => agreement));
}

/** @param agreed in the order in which the predictions were added */
export function agreementByVersion(agreed: readonly Agreed[]): VersionAgreement[] {
  return [...grouped(agreed, ({ model }) => model)]
    .map(([model, own]) => ({
      model,
      agreement: mean(own.map((each) => each.agreement)),
      count: own.length,
      weeks: [...grouped(own, ({ time }) => weekOf(time))].map(([week, some]) => ({
        week,
        agreement: mean(some.map((each) => each.agreement)),
        count: some.length,
      })),
      drift: driftOf(own),
    }))
    .sort((a, b) => a.model.localeCompare(b.model, 'en', { numeric: true }));
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
