// Bases are made and measured while the caller waits: by one worker at a time, which ends with its caller.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaunchOptions } from '../../worker/launch/launch-worker';
import type { EvaluateBaseSpec, FinishedEvent, WorkerCommand, WorkerEvent } from '../../worker/protocol/protocol';
import { KeyedLock } from './keyed-lock';

export interface BaseWorkDeps {
  /** Root of the model store. */
  store: string;
  /** LibTorch threads of a worker. */
  threads: number;
  launch: (command: WorkerCommand, options: Omit<LaunchOptions, 'env'>) => Promise<FinishedEvent>;
}

export interface Follow {
  /** Ends the worker. */
  signal: AbortSignal;
  onEvent?: (event: WorkerEvent) => void;
}

const ONE_AT_A_TIME = 'bases';

export class BaseWork {
  private readonly turns = new KeyedLock();

  constructor(private readonly deps: BaseWorkDeps) {}

  /** Root of the model store. */
  get store(): string {
    return this.deps.store;
  }

  /** LibTorch threads of a worker. */
  get threads(): number {
    return this.deps.threads;
  }

  /** Runs a command after those before it; rejects with the worker's typed error. */
  run(command: WorkerCommand, follow: Follow): Promise<FinishedEvent> {
    return this.turns.run(ONE_AT_A_TIME, () => this.deps.launch(command, follow));
  }

  /** Measures a base; what it keeps on the disk meanwhile goes with it. */
  async evaluate(
    spec: Omit<EvaluateBaseSpec, 'store' | 'threads' | 'jobFolder'>,
    follow: Follow,
  ): Promise<FinishedEvent> {
    const { store, threads } = this.deps;
    const jobFolder = await mkdtemp(join(tmpdir(), 'automed-evaluate-'));
    try {
      return await this.run({ type: 'evaluateBase', spec: { ...spec, store, threads, jobFolder } }, follow);
    } finally {
      await rm(jobFolder, { recursive: true, force: true });
    }
  }
}
