// Starts a training worker as a child process and follows it to its end. Needs neither the addon nor its memory.

import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { automedError, ERROR_CODES, type ErrorCode } from '../../common/errors';
import { workerEventSchema, type FinishedEvent, type WorkerCommand, type WorkerEvent } from '../protocol/protocol';
import { afterMs, type Alarm } from '../../common/timers';

export interface LaunchOptions {
  onEvent?: (event: WorkerEvent) => void;
  /** Hears of the process once it exists. */
  onStart?: (pid: number | undefined) => void;
  /** Asks the worker to stop; the launch rejects with CANCELLED once it has. */
  signal?: AbortSignal;
  /** What the worker gets to stop until it is killed, milliseconds; default: all the time it wants. */
  stopGraceMs?: number;
  /** Environment of the worker, which the thread settings are added to. */
  env: Record<string, string | undefined>;
  /** Compiled worker; default: the one beside this file, or of the build in dist/. */
  workerPath?: string;
}

/** The end of a worker that told none: it crashed, or something killed it. The `cause` of the launch's rejection. */
export class WorkerCrash extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WorkerCrash';
  }
}

/** What a worker that told its end gets to leave. */
const EXIT_GRACE_MS = 10_000;
const LAST_WORDS_BYTES = 8_192;
const OUT_OF_MEMORY = /out of memory|bad_alloc|allocate memory/i;

/** The compiled worker; this file runs from dist/, and from its source in tests. */
export function findWorker(): string {
  const beside = join(__dirname, '..', 'main.js');
  return existsSync(beside) ? beside : join(__dirname, '..', '..', '..', 'dist', 'services', 'worker', 'main.js');
}

/** One OpenMP pool of the size that was asked for; how long its threads spin while they wait says letThreadsSpin(). */
export function workerEnvironment(
  command: WorkerCommand,
  env: LaunchOptions['env'],
): Record<string, string | undefined> {
  const threads = String('spec' in command && 'threads' in command.spec ? command.spec.threads : 1);
  return { ...env, OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
}

function crashed(child: ChildProcess, lastWords: string): Error {
  if (child.killed) return automedError('CANCELLED', 'The training run was cancelled.');
  const { exitCode, signalCode } = child;
  let code: ErrorCode = 'INTERNAL';
  let message = `The training worker ${signalCode ? `was ended by ${signalCode}` : `exited with ${exitCode}`}`;
  if (OUT_OF_MEMORY.test(lastWords)) {
    code = 'OUT_OF_MEMORY';
    message += ': it ran out of memory';
  } else if (signalCode === 'SIGKILL') message += '; the system may have run out of memory';
  return automedError(code, `${message}.`, { cause: new WorkerCrash(message) });
}

/** Keeps the end of what the worker writes for people, and passes it on. */
function listenToStderr(child: ChildProcess): () => string {
  let tail = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    tail = (tail + chunk.toString('utf8')).slice(-LAST_WORDS_BYTES);
  });
  return () => tail;
}

type Outcome = { finished: FinishedEvent } | { error: Error };

function outcomeOf(event: WorkerEvent): Outcome | undefined {
  if (event.type === 'finished') return { finished: event };
  if (event.type !== 'failed') return undefined;
  const code = ERROR_CODES.find((known) => known === event.code) ?? 'INTERNAL';
  return { error: automedError(code, event.message, { field: event.field }) };
}

/** Resolves with what the worker told last, or its crash, when the process is gone and everything it sent has arrived. */
function followToEnd(child: ChildProcess, onEvent: LaunchOptions['onEvent']): Promise<Outcome> {
  const lastWords = listenToStderr(child);
  let outcome: Outcome | undefined;
  let killer: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    child.on('message', (message) => {
      const parsed = workerEventSchema.safeParse(message);
      if (!parsed.success) return;
      const told = outcomeOf(parsed.data);
      if (told) {
        outcome = told;
        killer = setTimeout(() => child.kill('SIGKILL'), EXIT_GRACE_MS);
      }
      onEvent?.(parsed.data);
    });
    child.on('error', (error) => {
      outcome ??= { error };
      if (child.pid === undefined) resolve(outcome);
    });
    // 'close' is after the exit and the end of all pipes; the channel's messages may still be on their way.
    child.on('close', () => {
      clearTimeout(killer);
      const end = (): void => resolve(outcome ?? { error: crashed(child, lastWords()) });
      if (child.connected) child.once('disconnect', end);
      else setImmediate(end);
    });
  });
}

/** Runs one command in a worker of its own; resolves with its result, rejects with its typed error. */
export async function launchWorker(command: WorkerCommand, options: LaunchOptions): Promise<FinishedEvent> {
  const { onEvent, onStart, signal, stopGraceMs, env, workerPath = findWorker() } = options;
  if (signal?.aborted) throw automedError('CANCELLED', 'The training run was cancelled.');
  if (!existsSync(workerPath)) {
    throw automedError('ILLEGAL_STATE', `${workerPath} is missing; run 'npm run build'.`);
  }
  const child = fork(workerPath, [], {
    env: workerEnvironment(command, env),
    execArgv: [],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  onStart?.(child.pid);
  let killer: Alarm | undefined;
  const cancel = (): void => {
    // A worker that is gone already cannot be told.
    if (child.connected) child.send({ type: 'cancel' } satisfies WorkerCommand, () => undefined);
    if (stopGraceMs !== undefined) killer = afterMs(stopGraceMs, () => child.kill('SIGKILL'));
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const ended = followToEnd(child, onEvent);
    child.send(command, () => undefined);
    const outcome = await ended;
    if ('error' in outcome) throw outcome.error;
    return outcome.finished;
  } finally {
    killer?.cancel();
    signal?.removeEventListener('abort', cancel);
  }
}
