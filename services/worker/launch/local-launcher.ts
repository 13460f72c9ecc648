// The ranks of a process group as processes of this machine, over loopback.

import { createServer, type AddressInfo } from 'node:net';
import type { FinishedEvent } from '../protocol/protocol';
import { findWorker } from './launch-worker';
import type { ProcessGroupAttempt, ProcessGroupLauncher } from './launch-process-group';
import { RankProcess } from './rank-process';
import { verdict, type RankEnd } from './verdict';
import { afterMs, type Alarm } from '../../common/timers';

export interface LocalLauncherOptions {
  /** Environment of the ranks, which their places and thread settings are added to. */
  env: Record<string, string | undefined>;
  /** Compiled worker; default: the one of this build. */
  workerPath?: string;
  /** Tells the process of every rank that starts. */
  onRank?: (rank: number, pid: number | undefined) => void;
  /** What the others get to end by themselves once a rank is lost, and all to stop when asked to, milliseconds. */
  graceMs?: number;
}

const GRACE_MS = 30_000;
const LOOPBACK = '127.0.0.1';

/**
 * A port that nobody listens on now; should another take it first, the process group does not come together and starts
 * again.
 */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class LocalLauncher implements ProcessGroupLauncher {
  constructor(private readonly options: LocalLauncherOptions) {}

  async run({ spec, onEvent, signal }: ProcessGroupAttempt): Promise<FinishedEvent> {
    const { env, workerPath = findWorker(), onRank, graceMs = GRACE_MS } = this.options;
    const masterPort = await freePort();
    const ranks = Array.from({ length: spec.ranks }, (_, rank) => {
      const place = { rank, localRank: rank, worldSize: spec.ranks, masterAddress: LOOPBACK, masterPort };
      const process = new RankProcess({
        spec,
        place,
        env,
        workerPath,
        onEvent: rank === 0 ? onEvent : () => undefined,
      });
      onRank?.(rank, process.pid);
      return process;
    });
    let deadline: Alarm | undefined;
    const endSoon = (): void => {
      deadline ??= afterMs(graceMs, () => ranks.forEach((rank) => rank.kill()));
    };
    const cancel = (): void => {
      ranks.forEach((rank) => rank.cancel());
      endSoon();
    };
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    const ends: RankEnd[] = [];
    const follow = async ({ rank, outcome }: RankProcess): Promise<void> => {
      const end = { rank, outcome: await outcome };
      ends.push(end);
      // The others notice by themselves that a rank is gone once they work together, unless they hang. Rank 0 ends with the
      // result, after which nobody has anything to do: one that waits for a rank 0 that found its job done would wait for
      // long.
      if (end.outcome.type !== 'finished' || rank === 0) cancel();
    };
    try {
      await Promise.all(ranks.map(follow));
    } finally {
      deadline?.cancel();
      signal.removeEventListener('abort', cancel);
    }
    return verdict(ends, signal.aborted);
  }
}
