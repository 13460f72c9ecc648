// What a split that fails or misses its share has to say for itself.

import { AutomedError, automedError } from '../../common/errors';
import type { Part } from '../files/part-names';
import type { DataFolder, Problem, Sample } from '../samples/sample';
import { finding, type Finding } from '../samples/finding';
import { splitSamples, type SplitOptions } from './split';

/** Problems that a refusal names. */
const NAMED = 5;
/** A share is missed by far when it is off by more than this part of itself, and by two samples or more. */
const FAR = 0.25;

const listed = (all: readonly string[], named: string, between: string): string =>
  all.slice(0, NAMED).join(between) + (all.length > NAMED ? `${between}and ${all.length - NAMED} ${named}` : '');

/** Why files cannot be used, causes before their consequences: a mask that cannot be read before the image that lacks it. */
function reasons({ problems }: Pick<DataFolder, 'problems'>): string {
  const causes = (one: Problem): number => (one.lacks === 'mask' ? 1 : 0);
  const sorted = [...problems].sort((a, b) => causes(a) - causes(b));
  const files = new Map<string, string[]>();
  for (const { name, problem } of sorted) {
    const reason = problem.replace(/\.$/, '');
    files.set(reason, [...(files.get(reason) ?? []), name]);
  }
  const told = [...files].map(([reason, names]) => `${listed(names, 'more', ', ')}: ${reason}`);
  return listed(told, 'more reasons', '; ');
}

/** Says why a folder has no sample at all. */
export function nothingUsable(folder: Pick<DataFolder, 'problems' | 'findings'>): Error {
  const why = folder.problems.length > 0 ? reasons(folder) : 'it has no pictures where its layout has them';
  const told = (folder.findings ?? []).map(({ message }) => `; ${message}`).join('');
  return automedError('INVALID_ARGUMENT', `No sample of the data can be used: ${why}${told}.`, { field: 'data' });
}

/** As `splitSamples`; an error also names what was left out. */
export function splitWithReasons(
  folder: DataFolder,
  samples: readonly Sample[],
  options: SplitOptions,
): ReturnType<typeof splitSamples> {
  try {
    return splitSamples(samples, options);
  } catch (error) {
    if (!(error instanceof AutomedError) || folder.problems.length === 0) throw error;
    const message = `${reasons(folder)}. What is left cannot be used: ${error.message}`;
    throw automedError('INVALID_ARGUMENT', message, { field: 'data', cause: error });
  }
}

/** A warning where whole groups cannot come near the share that was asked for. */
export function shareFindings(
  taken: readonly Sample[],
  whole: readonly Sample[],
  { fraction, part }: { fraction: number; part: Part },
): Finding[] {
  const sizes = new Map<string, number>();
  for (const { group } of whole) if (group !== undefined) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const largest = Math.max(0, ...sizes.values());
  const wanted = fraction * whole.length;
  const off = Math.abs(taken.length - wanted);
  if (largest < 2 || off < 2 || off <= FAR * wanted) return [];
  const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;
  const message =
    `the ${part} part has ${taken.length} of ${whole.length} samples (${percent(taken.length / whole.length)}) ` +
    `where ${percent(fraction)} were asked for: groups stay whole, and the largest has ${largest}`;
  return [finding('split-share', 'warning', message)];
}
