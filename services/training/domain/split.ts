import { automedError } from '../../common/errors';
import type { Sample } from './data-folder';
import { Random } from './random';

export interface SplitOptions {
  /** Share of the samples that goes to validation, in (0, 1). */
  fraction: number;
  seed: number;
}

/** Samples that must stay together, in order of their names; a sample without group stands alone. */
function groupsOf(samples: readonly Sample[]): Sample[][] {
  const groups = new Map<string, Sample[]>();
  for (const sample of [...samples].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const key = sample.group ?? `\u0000${sample.name}`;
    const group = groups.get(key);
    if (group) group.push(sample);
    else groups.set(key, [sample]);
  }
  return [...groups.values()];
}

/** The most frequent label of a group (the smallest among equals): the class that the group counts for. */
function labelOf(group: readonly Sample[]): number {
  const counts = new Map<number, number>();
  for (const { label = 0 } of group) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a, timesA], [b, timesB]) => timesB - timesA || a - b)[0]?.[0] ?? 0;
}

/** Takes whole groups until the share is reached, leaving at least one group behind. */
function take(groups: Sample[][], wanted: number): number {
  let samples = 0;
  let taken = 0;
  while (taken < groups.length - 1) {
    const size = groups[taken]?.length ?? 0;
    // The next group is taken when that comes closer to the share than stopping here; the first always.
    if (taken > 0 && Math.abs(samples + size - wanted) > Math.abs(samples - wanted)) break;
    samples += size;
    taken += 1;
    if (samples >= wanted) break;
  }
  return taken;
}

/** A part of the samples, drawn by the seed in whole groups, class by class like the whole; sorted by name. */
export function limitSamples(samples: readonly Sample[], options: { count: number; seed: number }): Sample[] {
  if (samples.length <= options.count) return [...samples];
  const groups = Random.of(options.seed, samples.length).shuffled(groupsOf(samples));
  const classes = new Map<number, Sample[]>();
  for (const group of groups) {
    const label = labelOf(group);
    classes.set(label, [...(classes.get(label) ?? []), ...group]);
  }
  const share = options.count / samples.length;
  const kept = [...classes.values()].flatMap((all) => all.slice(0, Math.max(1, Math.round(share * all.length))));
  return kept.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Splits by seed, class by class, and never separates a group. The result depends on names, labels, groups and the seed,
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
    const taken = take(shuffled, wanted);
    validation.push(...shuffled.slice(0, taken).flat());
    train.push(...shuffled.slice(taken).flat());
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
