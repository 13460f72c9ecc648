// Fetches a study or a series from an archive: what is not here yet, so that a pull which broke goes on where it was.

import { automedError } from '../../common/errors';
import { sleepMs } from '../../common/timers';
import type { Outcome } from '../../dicom-net/reception';

/** A study, or one of its series. */
export interface Wanted {
  study: string;
  series?: string | undefined;
}

/** An object as an archive lists it. */
export interface RemoteInstance {
  series: string;
  /** Empty where the archive does not say. */
  sopClass: string;
  sopInstance: string;
}

/** An archive that is asked. Methods reject with AutomedError. */
export interface Archive {
  /** Everything that belongs to what is wanted. */
  list(wanted: Wanted, signal: AbortSignal): Promise<RemoteInstance[]>;
  /**
   * Fetches objects, and maybe others of their series. What it tells is for people; what came is in the journal.
   * @param told hears of each object that came; of those that do not come to the archive's client, `sent` counts
   */
  fetch(wanted: Wanted, instances: readonly RemoteInstance[], told: Told, signal: AbortSignal): Promise<void>;
}

export interface Told {
  outcome(outcome: Outcome): void;
  /** Objects that the archive says it has sent elsewhere, to the port that receives. */
  sent(count: number): void;
}

export interface PullJournal {
  /** Those of the UIDs that are not kept. */
  missing(sopInstances: readonly string[]): string[];
  /** Says how many objects a series will have; undefined: nobody knows any more. */
  expect(study: string, series: string, count: number | undefined): void;
}

/** The counts of a pull, which one that goes on with it begins with. */
export interface PullCounts {
  /** Of these, those that were here before. */
  known: number;
  /** Objects that came. */
  received: number;
  /** Objects that came and were refused. */
  refused: number;
  /** Objects that are not here; final with the last message. */
  missing: number;
}

export interface PullProgress extends PullCounts {
  /** Objects that the archive has of what was asked for. */
  found: number;
  /** Why the last object was refused; empty without one. */
  reason: string;
}

const TELL_MS = 250;

function perSeries(instances: readonly RemoteInstance[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { series } of instances) counts.set(series, (counts.get(series) ?? 0) + 1);
  return counts;
}

/** Distinct UIDs; archives may list an object twice. */
function distinct(instances: readonly RemoteInstance[]): RemoteInstance[] {
  return [...new Map(instances.map((instance) => [instance.sopInstance, instance])).values()];
}

const sameCounts = (one: PullCounts, other: PullCounts | undefined): boolean =>
  one.known === other?.known &&
  one.received === other.received &&
  one.refused === other.refused &&
  one.missing === other.missing;

/**
 * Yields how far it is whenever that changes, and at last what came of it.
 * @param before what was last heard of a pull whose stream broke: what came since then counts as received
 * @throws AutomedError: NOT_FOUND when the archive has nothing of it, else what the archive says
 */
export async function* pull(
  wanted: Wanted,
  archive: Archive,
  journal: PullJournal,
  signal: AbortSignal,
  before?: PullCounts,
): AsyncGenerator<PullProgress> {
  const all = distinct(await archive.list(wanted, signal));
  if (all.length === 0) throw automedError('NOT_FOUND', 'The archive has nothing of it.', { field: 'study_uid' });
  const uids = all.map(({ sopInstance }) => sopInstance);
  const absent = new Set(journal.missing(uids));
  const here = all.length - absent.size;
  const known = Math.min(before?.known ?? here, here);
  const progress: PullProgress = {
    found: all.length,
    known,
    received: here - known,
    // Those are tried again, and counted when that fails again.
    refused: before?.refused ?? 0,
    missing: absent.size,
    reason: '',
  };
  let heard = before;
  const news = (): PullProgress[] => {
    if (sameCounts(progress, heard)) return [];
    heard = { ...progress };
    return [{ ...progress }];
  };
  yield* news();
  if (absent.size === 0) return;
  const told = counting(progress);
  const wantedHere = all.filter(({ sopInstance }) => absent.has(sopInstance));
  const series = [...perSeries(all)].filter(([uid]) => wantedHere.some((each) => each.series === uid));
  for (const [uid, count] of series) journal.expect(wanted.study, uid, count);
  try {
    let isDone = false;
    const work = archive.fetch(wanted, wantedHere, told, signal).finally(() => (isDone = true));
    work.catch(() => undefined);
    while (!isDone) {
      await Promise.race([work.catch(() => undefined), sleepMs(TELL_MS, { signal }).catch(() => undefined)]);
      if (signal.aborted) break;
      yield* news();
    }
    await work;
  } finally {
    // What has all come is closed by its count, whether or not somebody has looked yet.
    const left = new Set(journal.missing(uids));
    const broken = all.filter(({ sopInstance }) => left.has(sopInstance));
    for (const uid of perSeries(broken).keys()) journal.expect(wanted.study, uid, undefined);
  }
  progress.missing = journal.missing(uids).length;
  yield* news();
}

/** Adds what comes to the counts of a pull. */
function counting(progress: PullProgress): Told {
  const already = progress.received;
  let refused = 0;
  return {
    outcome: (outcome) => {
      if ('kept' in outcome) progress.received += 1;
      else {
        refused += 1;
        progress.refused = Math.max(progress.refused, refused);
        progress.reason = outcome.message;
      }
    },
    sent: (count) => (progress.received = already + count),
  };
}
