// Starts a training worker as a child process and follows it to its end. Needs neither the addon nor its memory.

import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { automedError, ERROR_CODES } from '../../common/errors';
import { workerEventSchema, type FinishedEvent, type WorkerCommand, type WorkerEvent } from '../protocol';

export interface LaunchOptions {
  onEvent?: (event: WorkerEvent) => void;
  /** Asks the worker to stop; the launch rejects with CANCELLED once it has. */
  signal?: AbortSignal;
  /** Environment of the worker, which the thread settings are added to. */
  env: Record<string, string | undefined>;
  /** Compiled worker; default: the one beside this file, or of the build in dist/. */
  workerPath?: string;
}

/** The compiled worker; this file runs from dist/, and from its source in tests. */
export function findWorker(): string {
  const beside = join(__dirname, '..', 'worker.js');
  return existsSync(beside) ? beside : join(__dirname, '..', '..', '..', 'dist', 'services', 'training', 'worker.js');
}

/**
 * One OpenMP pool of the size that was asked for. Its threads spin shortly between kernels: sleeping at once costs a training
 * step a third of its speed on a quiet machine, libgomp's usual spinning costs several times that on a busy one.
 */
export function workerEnvironment(command: WorkerCommand, env: LaunchOptions['env']): Record<string, string | undefined> {
  const threads = String(command.type === 'train' || command.type === 'evaluateBase' ? command.spec.threads : 1);
  return { GOMP_SPINCOUNT: '20000', ...env, OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
}

function crashed(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): Error {
  if (child.killed) return automedError('CANCELLED', 'The training run was cancelled.');
  const how = signal ? `was ended by ${signal}` : `exited with ${code}`;
  const guess = signal === 'SIGKILL' ? '; the system may have run out of memory' : '';
  return automedError('INTERNAL', `The training worker ${how}${guess}.`);
}

/** Runs one command in a worker of its own; resolves with its result, rejects with its typed error. */
export async function launchWorker(command: WorkerCommand, options: LaunchOptions): Promise<FinishedEvent> {
  const { onEvent, signal, env, workerPath = findWorker() } = options;
  if (signal?.aborted) throw automedError('CANCELLED', 'The training run was cancelled.');
  if (!existsSync(workerPath)) {
    throw automedError('ILLEGAL_STATE', `${workerPath} is missing; run 'npm run build'.`);
  }
  const child = fork(workerPath, [], {
    env: workerEnvironment(command, env),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const cancel = (): void => {
    if (child.connected) child.send({ type: 'cancel' } satisfies WorkerCommand);
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await new Promise<FinishedEvent>((resolve, reject) => {
      child.on('message', (message) => {
        const parsed = workerEventSchema.safeParse(message);
        if (!parsed.success) return;
        const event = parsed.data;
        if (event.type === 'finished') resolve(event);
        else if (event.type === 'failed') {
          const code = ERROR_CODES.find((known) => known === event.code) ?? 'INTERNAL';
          reject(automedError(code, event.message, { field: event.field }));
        }
        onEvent?.(event);
      });
      child.on('error', reject);
      child.on('exit', (code, how) => reject(crashed(child, code, how)));
      child.send(command);
    });
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
