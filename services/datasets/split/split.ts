import { automedError } from '../../common/errors';
import type { Sample } from '../samples/sample';
import { Random } from '../../common/random';

export interface SplitOptions {
  /** Share of the samples that goes to validation, in (0, 1). */
  fraction: number;
  seed: number;
}

/** Samples that must stay together, in order of their names; a sample without group stands alone. */
export function groupsOf(samples: readonly Sample[]): Sample[][] {
  const groups = new Map<string, Sample[]>();
  for (const sample of [...samples].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const key = sample.group ?? `\u0000${sample.name}`;
    const group = groups.get(key);
    if (group) group.push(sample);
    else groups.set(key, [sample]);
  }
  return [...groups.values()];
}

/** True where every sample has a group and no group is in two parts. */
export function groupsAreKept(parts: readonly (readonly Sample[])[]): boolean {
  const partOf = new Map<string, number>();
  return parts.every((samples, part) =>
    samples.every(({ group }) => {
      if (group === undefined || (partOf.get(group) ?? part) !== part) return false;
      partOf.set(group, part);
      return true;
    }),
  );
}

/** The most frequent label of a group (the smallest among equals): the class that the group counts for. */
export function labelOf(group: readonly Sample[]): number {
  const counts = new Map<number, number>();
  for (const { label = 0 } of group) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a, timesA], [b, timesB]) => timesB - timesA || a - b)[0]?.[0] ?? 0;
}

/** Takes groups of the order until the share is reached, leaving at least one group behind. */
function leading(sizes: readonly number[], wanted: number): number {
  let samples = 0;
  let taken = 0;
  while (taken < sizes.length - 1) {
    const size = sizes[taken] ?? 0;
    // The next group is taken when that comes closer to the share than stopping here; the first always.
    if (taken > 0 && Math.abs(samples + size - wanted) > Math.abs(samples - wanted)) break;
    samples += size;
    taken += 1;
    if (samples >= wanted) break;
  }
  return taken;
}

/** Groups x samples that the search for the closest sum looks at, at most: tens of milliseconds. */
const SEARCHED = 20_000_000;

/**
 * Indices of groups whose sizes sum up as close to `wanted` as any choice does; early groups are preferred, so that a shuffled
 * order gives a random choice. Neither empty nor all. In very large sets the leading groups are taken as they come and the
 * search is for the rest.
 */
function closest(sizes: readonly number[], wanted: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const largest = Math.max(...sizes);
  let start = 0;
  let begun = 0;
  // What is left to choose is a multiple of the largest group, so that the search still finds a close sum.
  while ((sizes.length - start) * (total - begun) > SEARCHED && begun + (sizes[start] ?? 0) < wanted - 4 * largest) {
    begun += sizes[start] ?? 0;
    start += 1;
  }
  const left = Math.ceil(wanted - begun);
  const limit = Math.min(total - begun - 1, left + largest);
  const end = Math.min(sizes.length, start + Math.max(64, Math.ceil(SEARCHED / (limit + 1))));
  /** By sum: the group that reached it first; the rest of the sum was reached by groups before it. */
  const by = new Int32Array(limit + 1).fill(-1);
  for (let group = start; group < end; group += 1) {
    const size = sizes[group] ?? 0;
    for (let sum = limit; sum >= size; sum -= 1) {
      if (by[sum] === -1 && (sum === size || by[sum - size] !== -1)) by[sum] = group;
    }
  }
  let best = -1;
  for (let sum = begun > 0 ? 0 : 1; sum <= limit; sum += 1) {
    const reached = sum === 0 || by[sum] !== -1;
    if (reached && (best < 0 || Math.abs(begun + sum - wanted) < Math.abs(begun + best - wanted))) best = sum;
  }
  const chosen = Array.from({ length: start }, (_, group) => group);
  for (let sum = best; sum > 0; sum -= sizes[by[sum] as number] as number) chosen.push(by[sum] as number);
  return chosen;
}

/**
 * Which groups of a shuffled order go to validation. Groups of one size, and wherever the leading groups come as close to the
 * share as any choice, are taken in their order, as ever; else those that come closest.
 */
function choose(groups: readonly Sample[][], wanted: number): Set<number> {
  const sizes = groups.map(({ length }) => length);
  const taken = leading(sizes, wanted);
  const ordered = Array.from({ length: taken }, (_, group) => group);
  if (taken === 0 || sizes.every((size) => size === sizes[0])) return new Set(ordered);
  const distance = (chosen: readonly number[]): number =>
    Math.abs(chosen.reduce((sum, group) => sum + (sizes[group] ?? 0), 0) - wanted);
  const best = closest(sizes, wanted);
  return new Set(distance(best) < distance(ordered) ? best : ordered);
}

/**
 * Splits by seed, class by class, never separates a group, and comes as close to the share as whole groups can. The result depends on names, labels, groups and the seed,
 * not on the order of the samples.
 */
export function splitSamples(
  samples: readonly Sample[],
  { fraction, seed }: SplitOptions,
): { train: Sample[]; validation: Sample[] } {
  const classes = new Map<number, Sample[][]>();
  for (const group of groupsOf(samples)) {
    const label = labelOf(group);
    classes.set(label, [...(classes.get(label) ?? []), group]);
  }
  const train: Sample[] = [];
  const validation: Sample[] = [];
  for (const [label, groups] of [...classes].sort(([a], [b]) => a - b)) {
    const shuffled = Random.of(seed, label).shuffled(groups);
    const wanted = fraction * groups.reduce((sum, group) => sum + group.length, 0);
    const chosen = choose(shuffled, wanted);
    for (const [index, group] of shuffled.entries()) (chosen.has(index) ? validation : train).push(...group);
  }
  if (train.length === 0 || validation.length === 0) {
    throw automedError(
      'INVALID_ARGUMENT',
      `${samples.length} samples in ${groupsOf(samples).length} groups cannot be split into training and validation.`,
      { field: 'data' },
    );
  }
  const byName = (a: Sample, b: Sample): number => (a.name < b.name ? -1 : 1);
  return { train: train.sort(byName), validation: validation.sort(byName) };
}
