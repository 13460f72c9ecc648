// Deliveries that count when the destination says that it keeps the object, not when it says that it took it.

import type { Logger } from '../../common/logging';
import { sleepMs } from '../../common/timers';
import { AssociationError, type CalledAe } from '../../dicom-net/association-scu';
import { askCommitment, type CommitmentReports } from '../../dicom-net/commitment';
import { readFile } from 'node:fs/promises';
import { failed, type Courier, type Sendable, type Sent } from '../domain/delivery';
import { readInstanceHeader } from '../domain/instance-header';
import type { Archive } from '../domain/pull';

/** Resolves to UIDs of the objects that the destination keeps. */
export type Proof = (objects: readonly Sendable[]) => Promise<ReadonlySet<string>>;

const AGAIN_MS = 1_000;

/** Sends by another courier, and asks afterwards. */
export class ProvenCourier implements Courier {
  constructor(
    private readonly inner: Courier,
    private readonly prove: Proof,
    private readonly log: Logger,
  ) {}

  async send(objects: readonly Sendable[]): Promise<Sent[]> {
    const sent = await this.inner.send(objects);
    const stored = objects.filter((_, at) => sent[at]?.stored);
    if (stored.length === 0) return sent;
    const proven = await this.prove(stored).catch((error: unknown): ReadonlySet<string> => {
      this.log.warn({ event: 'proof-failed', why: whyOf(error) }, 'a destination could not be asked what it keeps');
      return new Set();
    });
    return sent.map((each, at) =>
      !each.stored || proven.has(objects[at]?.sopInstance ?? '')
        ? each
        : failed('transient', 'NOT_PROVEN', 'The receiver took the object, and does not say that it keeps it.'),
    );
  }
}

function whyOf(error: unknown): string {
  return error instanceof AssociationError ? error.fault.kind : (error as Error).message;
}

/** By storage commitment. */
export function byCommitment(target: CalledAe, reports: CommitmentReports): Proof {
  return async (objects) => {
    const report = await askCommitment(target, objects, reports);
    return new Set(report?.kept.map(({ sopInstance }) => sopInstance));
  };
}

/** By asking the archive what it has, until it has all or the time is over: some list what they took only later. */
export function byQuery(archive: Archive, timeoutMs: number): Proof {
  return async (objects) => {
    const end = performance.now() + timeoutMs;
    const headers = await Promise.all(objects.map(async ({ path }) => readInstanceHeader(await readFile(path))));
    const places = new Map(headers.map(({ study, series }) => [series, { study, series }]));
    for (;;) {
      // An archive that is silent is given up by its own timer.
      const { signal } = new AbortController();
      const listed = await Promise.all([...places.values()].map((place) => archive.list(place, signal)));
      const found = new Set(listed.flat().map(({ sopInstance }) => sopInstance));
      if (objects.every(({ sopInstance }) => found.has(sopInstance)) || performance.now() >= end) return found;
      await sleepMs(AGAIN_MS);
    }
  };
}
