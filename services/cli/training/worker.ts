import type { ChildProcess } from 'node:child_process';
import { automedError, ERROR_CODES } from '../../common/errors';
import { workerEventSchema, type FinishedEvent, type WorkerCommand, type WorkerEvent } from '../../training/protocol';
import { CliError } from '../errors';
import { onStopSignal } from '../signals';
import { LastWords } from '../stack/last-words';
import { describeExit, forkProgram, type Program } from '../stack/service-process';

const WORKER: Program = { name: 'training worker', file: 'services/training/worker.js', needsAddon: true };

/**
 * Runs one job in a worker process; resolves to what it made. Ctrl-C asks it to stop after the step under way, so that its
 * checkpoint stays good.
 */
export async function runWorker(
  command: WorkerCommand,
  onEvent: (event: WorkerEvent) => void = () => undefined,
  program: Program = WORKER,
): Promise<FinishedEvent> {
  const child = forkProgram(program, [], {});
  const signals = onStopSignal(() => child.connected && child.send({ type: 'cancel' } satisfies WorkerCommand));
  try {
    return await finished(child, command, onEvent, program.name);
  } finally {
    signals.dispose();
  }
}

function finished(
  child: ChildProcess,
  command: WorkerCommand,
  onEvent: (event: WorkerEvent) => void,
  name: string,
): Promise<FinishedEvent> {
  const words = new LastWords();
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => words.add(chunk));
  let last: WorkerEvent | undefined;
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.on('message', (message) => {
      const event = workerEventSchema.parse(message);
      last = event;
      onEvent(event);
    });
    // The end of the process, not the last message: then the memory and the files are ours again.
    child.once('close', (code, signal) => {
      if (last?.type === 'finished') return resolve(last);
      if (last?.type === 'failed') return reject(failure(last));
      reject(new CliError(`the ${name} ${describeExit({ code, signal, reason: words.reason() })}`));
    });
    child.send(command);
  });
}

function failure({ code, message, field }: Extract<WorkerEvent, { type: 'failed' }>): Error {
  const known = ERROR_CODES.find((candidate) => candidate === code);
  // An error that nobody foresaw happened on this machine: its text is the user's to read.
  if (known === undefined || known === 'INTERNAL') return new CliError(message);
  return automedError(known, message, { field });
}
