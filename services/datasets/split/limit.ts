// What `limit` means wherever samples are limited: so many at most, class by class like the whole, in whole groups.

import type { Part } from '../files/part-names';
import type { Sample } from '../samples/sample';
import { Random } from '../../common/random';
import { groupsOf, labelOf } from './split';

/**
 * Shares of `count` in the proportions of `sizes` (largest remainders), no larger than the sizes, in sum `count` where the sizes
 * allow it. None is 0 that could be 1: a rare class is measured and learnt from as long as there is room for every class.
 */
export function apportion(sizes: readonly number[], count: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= count) return [...sizes];
  const exact = sizes.map((size) => (count * size) / total);
  const shares = exact.map(Math.floor);
  const order = sizes.map((_, index) => index);
  const sum = (): number => shares.reduce((all, share) => all + share, 0);
  const owed = (index: number): number => (exact[index] as number) - (shares[index] as number);
  const largestFirst = order.filter((index) => sizes[index]! > 0).sort((a, b) => sizes[b]! - sizes[a]!);
  for (const index of largestFirst.slice(0, count)) shares[index] = Math.max(1, shares[index]!);
  while (sum() > count) {
    const [most] = order.filter((index) => shares[index]! > 1).sort((a, b) => owed(a) - owed(b));
    shares[most!]! -= 1;
  }
  while (sum() < count) {
    const [least] = order.filter((index) => shares[index]! < sizes[index]!).sort((a, b) => owed(b) - owed(a));
    shares[least!]! += 1;
  }
  return shares;
}

/**
 * Whole groups in their order as long as they fit. Where not even the smallest does, a part of it: only then is a group cut.
 */
function fill(groups: readonly Sample[][], count: number): Sample[] {
  const taken: Sample[] = [];
  for (const group of groups) if (taken.length + group.length <= count) taken.push(...group);
  if (taken.length > 0 || count === 0) return taken;
  const [smallest = []] = [...groups].sort((a, b) => a.length - b.length);
  return smallest.slice(0, count);
}

/** At most `count` of the samples, drawn by the seed in whole groups, class by class like the whole; sorted by name. */
export function limitSamples(samples: readonly Sample[], { count, seed }: { count: number; seed: number }): Sample[] {
  if (samples.length <= count) return [...samples];
  const classes = new Map<number, Sample[][]>();
  for (const group of Random.of(seed, samples.length).shuffled(groupsOf(samples))) {
    const label = labelOf(group);
    classes.set(label, [...(classes.get(label) ?? []), group]);
  }
  const all = [...classes.values()];
  const shares = apportion(
    all.map((groups) => groups.reduce((sum, group) => sum + group.length, 0)),
    count,
  );
  const kept = all.flatMap((groups, index) => fill(groups, shares[index] as number));
  return kept.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The same of a folder's parts, each of which keeps its share. */
export function limitParts(
  parts: Readonly<Record<Part, Sample[]>>,
  { limit, seed }: { limit?: number | undefined; seed: number },
): Record<Part, Sample[]> {
  if (limit === undefined) return { ...parts };
  const { train, validation, test } = parts;
  const [learnt = 0, checked = 0, tested = 0] = apportion([train.length, validation.length, test.length], limit);
  return {
    train: limitSamples(train, { count: learnt, seed }),
    validation: limitSamples(validation, { count: checked, seed }),
    test: limitSamples(test, { count: tested, seed }),
  };
}
