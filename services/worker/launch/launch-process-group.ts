// Runs a training by several ranks. When a rank of the process group is lost, the others end with it, and all of them start
// again from the last complete checkpoint, a bounded number of times. Where the ranks run is the launcher's affair.

import { automedError } from '../../common/errors';
import type { FinishedEvent, TrainSpecInput, WorkerEvent } from '../protocol/protocol';

/** A rank was lost, by no fault of the run: the process group can start again. */
export class RankLostError extends Error {
  /** @param how a clause, e.g. `rank 1 was ended by SIGKILL` */
  constructor(readonly how: string) {
    super(how);
    this.name = 'RankLostError';
  }
}

export interface ProcessGroupAttempt {
  spec: TrainSpecInput & { ranks: number };
  /** From 1. */
  attempt: number;
  /** What rank 0 tells. */
  onEvent: (event: WorkerEvent) => void;
  /** Asks the ranks to stop; the attempt rejects with CANCELLED once they have. */
  signal: AbortSignal;
}

export interface ProcessGroupLauncher {
  /**
   * Runs all ranks to their end; none is left when the promise settles. Rejects with RankLostError when the process group
   * may start again, with the typed error of the run otherwise.
   */
  run(attempt: ProcessGroupAttempt): Promise<FinishedEvent>;
}

export interface ProcessGroupOptions {
  /** Processes that train together, 2 or more. */
  ranks: number;
  launcher: ProcessGroupLauncher;
  onEvent?: (event: WorkerEvent) => void;
  /** Asks the process group to stop; the launch rejects with CANCELLED once it has. */
  signal?: AbortSignal;
  /** Losses of a rank that are made up for between two finished epochs (default 3). */
  maxRestarts?: number;
}

const MAX_RESTARTS = 3;

/** Trains with a process group; resolves with its result, rejects with its typed error, as launchWorker does. */
export async function launchProcessGroup(spec: TrainSpecInput, options: ProcessGroupOptions): Promise<FinishedEvent> {
  const { ranks, launcher, onEvent, signal = new AbortController().signal, maxRestarts = MAX_RESTARTS } = options;
  if (ranks < 2) throw automedError('INVALID_ARGUMENT', 'A process group has at least 2 ranks.', { field: 'ranks' });
  let [restarts, resume] = [0, spec.resume];
  const follow = (event: WorkerEvent): void => {
    if (event.type === 'epoch') restarts = 0;
    onEvent?.(event);
  };
  for (let attempt = 1; ; attempt += 1) {
    if (signal.aborted) throw automedError('CANCELLED', 'The training run was cancelled.');
    try {
      return await launcher.run({ spec: { ...spec, ranks, resume }, attempt, onEvent: follow, signal });
    } catch (error) {
      if (!(error instanceof RankLostError)) throw error;
      if (signal.aborted) throw automedError('CANCELLED', 'The training run was cancelled.', { cause: error });
      if (restarts >= maxRestarts) {
        const often = maxRestarts === 0 ? '' : `, ${restarts + 1} times without an epoch in between`;
        throw automedError('SERVICE_UNAVAILABLE', `The process group was lost: ${error.how}${often}.`, {
          cause: error,
        });
      }
      restarts += 1;
      const message = `${error.how}; the process group starts again from its last checkpoint (${restarts} of ${maxRestarts})`;
      onEvent?.({ type: 'log', level: 'warn', message });
      resume = true;
    }
  }
}
