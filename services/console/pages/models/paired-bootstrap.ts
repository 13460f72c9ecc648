// How much better one model is than another on the same images, and how sure that is.

import type { EvaluationSample } from '../../../console-kit/api/evaluation-types';

export interface Difference {
  /** Mean of the second less that of the first. */
  mean: number;
  /** Ends of the 95 % interval. */
  low: number;
  high: number;
  imageCount: number;
  /** Images, or groups of images that belong together, which the resamples draw. */
  unitCount: number;
}

const RESAMPLES = 2000;
const SEED = 9;

/** Draws units with replacement, both models on the same ones; undefined where they share fewer than two units. */
export function pairedDifference(
  first: readonly EvaluationSample[],
  second: readonly EvaluationSample[],
): Difference | undefined {
  const others = new Map(second.map(({ name, score = 0 }) => [name, score]));
  const units = new Map<string, { sum: number; count: number }>();
  for (const { name, group = '', score = 0 } of first) {
    const other = others.get(name);
    if (other === undefined) continue;
    const key = group === '' ? `image ${name}` : `group ${group}`;
    const unit = units.get(key) ?? { sum: 0, count: 0 };
    units.set(key, { sum: unit.sum + other - score, count: unit.count + 1 });
  }
  const all = [...units.values()];
  if (all.length < 2) return undefined;
  const random = generator(SEED);
  const means = Array.from({ length: RESAMPLES }, () =>
    mean(all.map(() => all[Math.floor(random() * all.length)] ?? all[0])),
  );
  means.sort((a, b) => a - b);
  const at = (share: number): number => means[Math.round(share * (RESAMPLES - 1))] ?? 0;
  const imageCount = all.reduce((sum, { count }) => sum + count, 0);
  return { mean: mean(all), low: at(0.025), high: at(0.975), imageCount, unitCount: all.length };
}

function mean(units: readonly ({ sum: number; count: number } | undefined)[]): number {
  let [sum, count] = [0, 0];
  for (const unit of units) {
    sum += unit?.sum ?? 0;
    count += unit?.count ?? 0;
  }
  return sum / count;
}

/** mulberry32: the same interval every time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
