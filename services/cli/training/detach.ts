import { isAbsolute, resolve } from 'node:path';
import { isLoopback } from '../../common/address';
import { toSpec } from '../../worker/protocol/training-spec-message';
import type { TrainSpecInput } from '../../worker/protocol/protocol';
import { UsageError } from '../program/errors';
import { printJson, printLine, printNote } from '../output/print';
import { withTraining, type ConnectOptions } from '../program/session';

export interface DetachOptions extends ConnectOptions {
  detach?: boolean;
  /** Registered data set, instead of a folder. */
  dataset?: string;
  requestId?: string;
  priority?: number;
  json?: boolean;
}

/** The data's folder as the service sees it: a service on this machine resolves nothing against our working folder. */
function pathForService(data: string, address: string): string {
  if (isAbsolute(data)) return data;
  if (isLoopback(address)) return resolve(data);
  throw new UsageError(`--data is a path on the machine of ${address}; give it in full, beginning with /`);
}

/** Queues the training with a running service and prints the job's id. */
export async function queueTraining(spec: TrainSpecInput, data: string, options: DetachOptions): Promise<void> {
  const { store: _store, jobFolder: _folder, threads: _threads, resume: _resume, ...wanted } = spec;
  const { dataset } = options;
  const job = await withTraining(options, async ({ trainingJobs }, { address, own }) => {
    const message = {
      ...toSpec({ ...wanted, data: dataset === undefined ? pathForService(data, address) : '' }),
      dataset: dataset ?? '',
    };
    const created = await trainingJobs.create(message, { requestId: options.requestId, priority: options.priority });
    if (own) printNote('no server of this store runs: the job waits for the next `automed serve`');
    return created;
  });
  if (options.json) return printJson({ id: job.id, state: job.state.replace('TRAINING_JOB_STATE_', '') });
  printLine(job.id);
}
