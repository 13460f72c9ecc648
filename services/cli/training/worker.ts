import { CancelledError, InternalError } from '../../common/errors';
import { launchProcessGroup } from '../../worker/launch/launch-process-group';
import { LocalLauncher } from '../../worker/launch/local-launcher';
import { launchWorker } from '../../worker/launch/launch-worker';
import type { FinishedEvent, WorkerCommand, WorkerEvent } from '../../worker/protocol/protocol';
import { childEnvironment } from '../../stack/config';
import { CliError, InterruptedError } from '../program/errors';
import { onStopSignal } from '../program/signals';
import { programPath, type Program } from '../../stack/service-process';

const WORKER: Program = { name: 'training worker', file: 'services/worker/main.js', needsAddon: true };

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
    const options = { onEvent, signal: cancellation.signal };
    const machine = { env: childEnvironment({}), workerPath };
    if (command.type === 'train' && (command.spec.ranks ?? 1) > 1) {
      const { ranks = 1 } = command.spec;
      return await launchProcessGroup(command.spec, { ...options, ranks, launcher: new LocalLauncher(machine) });
    }
    return await launchWorker(command, { ...options, ...machine });
  } catch (error) {
    if (cancellation.signal.aborted && error instanceof CancelledError) throw new InterruptedError('cancelled');
    // It happened on this machine: its text is for the user, not for a server's log.
    throw error instanceof InternalError ? new CliError(error.message) : error;
  } finally {
    signals.dispose();
  }
}
