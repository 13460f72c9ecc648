// One rank of a process group as a child process of this machine: a training worker that knows its place.

import { fork, type ChildProcess } from 'node:child_process';
import { automedError, ERROR_CODES, type AutomedError } from '../../common/errors';
import { workerEventSchema, type FinishedEvent, type TrainSpecInput, type WorkerEvent } from '../protocol/protocol';
import { workerEnvironment } from './launch-worker';
import { rankVariables, type RankPlace } from './rank-environment';

export type RankOutcome =
  | { type: 'finished'; event: FinishedEvent }
  | { type: 'failed'; error: AutomedError }
  /** Ended without a word. */
  | { type: 'crashed'; how: string };

/** The outcome that a rank's last event tells; undefined for any other event. */
export function outcomeOf(event: WorkerEvent): RankOutcome | undefined {
  if (event.type === 'finished') return { type: 'finished', event };
  if (event.type !== 'failed') return undefined;
  const code = ERROR_CODES.find((known) => known === event.code) ?? 'INTERNAL';
  return { type: 'failed', error: automedError(code, event.message, { field: event.field }) };
}

export interface RankStart {
  spec: TrainSpecInput;
  place: RankPlace;
  env: Record<string, string | undefined>;
  workerPath: string;
  onEvent: (event: WorkerEvent) => void;
}

export class RankProcess {
  readonly rank: number;
  /** Settles when the process is gone. */
  readonly outcome: Promise<RankOutcome>;
  private readonly child: ChildProcess;
  private last: RankOutcome | undefined;

  constructor({ spec, place, env, workerPath, onEvent }: RankStart) {
    this.rank = place.rank;
    const command = { type: 'train', spec } as const;
    this.child = fork(workerPath, [], {
      env: { ...workerEnvironment(command, env), ...rankVariables(place) },
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.outcome = new Promise((resolve) => {
      this.child.on('message', (message) => {
        const parsed = workerEventSchema.safeParse(message);
        if (parsed.success) this.hear(parsed.data, onEvent);
      });
      this.child.on('error', (error) => {
        this.last ??= { type: 'crashed', how: `rank ${this.rank} could not be started: ${error.message}` };
        if (this.child.pid === undefined) resolve(this.last);
      });
      this.child.on('exit', (code, signal) => {
        const how = signal ? `was ended by ${signal}` : `exited with ${code}`;
        const end = (): void => resolve(this.last ?? { type: 'crashed', how: `rank ${this.rank} ${how}` });
        // Its last words may still be on their way.
        if (this.child.connected) this.child.once('disconnect', end);
        else setImmediate(end);
      });
    });
    // A process that is gone already says so by its exit.
    this.child.send(command, () => undefined);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Asks the rank to stop at its next step. */
  cancel(): void {
    if (this.child.connected) this.child.send({ type: 'cancel' }, () => undefined);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private hear(event: WorkerEvent, onEvent: RankStart['onEvent']): void {
    const outcome = outcomeOf(event);
    if (outcome) this.last = outcome;
    else onEvent(event);
  }
}
