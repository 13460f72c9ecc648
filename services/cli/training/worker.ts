import { InternalError } from '../../common/errors';
import { launchWorker } from '../../training/domain/launch-worker';
import type { FinishedEvent, WorkerCommand, WorkerEvent } from '../../training/protocol';
import { childEnvironment } from '../config';
import { CliError } from '../errors';
import { onStopSignal } from '../signals';
import { programPath, type Program } from '../stack/service-process';

const WORKER: Program = { name: 'training worker', file: 'services/training/worker.js', needsAddon: true };

/**
 * Runs one job in a worker process; resolves to what it made. Ctrl-C asks it to stop between two steps, so that its
 * checkpoints stay good.
 */
export async function runWorker(
  command: WorkerCommand,
  onEvent: (event: WorkerEvent) => void = () => undefined,
): Promise<FinishedEvent> {
  const workerPath = programPath(WORKER);
  const cancellation = new AbortController();
  const signals = onStopSignal(() => cancellation.abort());
  try {
    return await launchWorker(command, { onEvent, signal: cancellation.signal, env: childEnvironment({}), workerPath });
  } catch (error) {
    // It happened on this machine: its text is for the user, not for a server's log.
    throw error instanceof InternalError ? new CliError(error.message) : error;
  } finally {
    signals.dispose();
  }
}
