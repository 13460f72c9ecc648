// A training as a job: queued with the running server or with services of the command's own, and followed to its end.

import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { TrainingEvent__Output } from '../../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingJob__Output } from '../../../proto/gen/automed/training/v1/TrainingJob';
import type { TrainingSpec } from '../../../proto/gen/automed/training/v1/TrainingSpec';
import { isLoopback } from '../../common/address';
import { automedError, ERROR_CODES } from '../../common/errors';
import { existingStore } from '../../store';
import type { TrainingJobsClient } from '../../client';
import { checkDataExists, checkNamed, isMadeWhenMissing } from '../../worker/protocol/preflight';
import type { TrainingJobSpecInput } from '../../worker/protocol/protocol';
import { toSpec } from '../../worker/protocol/training-spec-message';
import { CliError, InterruptedError, UsageError } from '../program/errors';
import { stateOf } from '../../terminal/state';
import { printNote } from '../../terminal/print';
import { TrainingDisplay } from '../../terminal/training-display';
import { withTraining, type ConnectOptions, type Connection } from '../program/session';
import { onStopSignal } from '../program/signals';
import { settleEarlierRun, type Choice } from './earlier-run';
import { choice, type OnInterrupt } from './interrupt';
import { millisecondsOf } from '../../terminal/display-events';
import { waits, watchJob } from './watch';

export interface RunOptions extends ConnectOptions, Choice {
  /** Registered data set, instead of a folder. */
  dataset?: string | undefined;
  detach?: boolean;
  onInterrupt?: OnInterrupt;
  requestId?: string;
  priority?: number;
}

/** The job of a training; it has succeeded unless it was detached. */
export interface Trained {
  job: TrainingJob__Output;
  connection: Connection;
}

/** A path as the service sees it: one on this machine resolves nothing against our working folder. */
export function pathForService(path: string, address: string, option: string): string {
  if (isAbsolute(path)) return path;
  if (isLoopback(address)) return resolve(path);
  throw new UsageError(`${option} is a path on the machine of ${address}; give it in full, beginning with /`);
}

/** Refuses before a service is started what it would refuse: what the training names and is not there. */
async function refuseEarly(spec: TrainingJobSpecInput, home: string): Promise<void> {
  if (isMadeWhenMissing(spec)) {
    await checkDataExists(spec);
    if (!existsSync(join(home, 'models'))) return;
  }
  await checkNamed(spec, await existingStore(home));
}

/** Queues the training, or takes up its interrupted run, and follows it unless it is detached. */
export async function runTraining(spec: TrainingJobSpecInput, options: RunOptions): Promise<Trained> {
  const { detach = false, dataset = '' } = options;
  const { ranks = 1, threads } = spec;
  const queue = async (jobs: TrainingJobsClient, connection: Connection): Promise<TrainingJob__Output> => {
    const data = dataset === '' ? pathForService(spec.data, connection.address, '--data') : '';
    const wanted = { ...toSpec({ ...spec, data }), dataset };
    const earlier = await settleEarlierRun(jobs, connection, wanted, options);
    if (earlier) return earlier;
    return jobs.create(wanted, { requestId: options.requestId, priority: options.priority });
  };
  return withTraining(
    options,
    async ({ trainingJobs: jobs }, connection) => {
      const job = await queue(jobs, connection);
      if (!detach) return { job: await follow(jobs, connection, job, options.onInterrupt), connection };
      if (connection.ends) printNote('no server of this store runs: the job waits for the next `automed serve`');
      return { job, connection };
    },
    {
      runs: detach ? 'nothing' : 'watched',
      creates: isMadeWhenMissing(spec),
      ...(threads === undefined ? {} : { threads: Math.max(threads, ranks) }),
      prepare: (home) =>
        dataset === '' ? refuseEarly({ ...spec, data: resolve(spec.data) }, home) : Promise.resolve(),
    },
  );
}

/** What goes on with a job that nobody watches any more. */
function leftText({ id }: TrainingJob__Output, { ends }: Connection): string {
  if (!ends) return `the training goes on as job ${id}; \`automed jobs watch ${id}\` shows it, \`jobs cancel\` ends it`;
  return 'stopped; the same command with --resume continues from the last checkpoint, and so does the next `automed serve`';
}

/** Shows a job to its end; resolves when it has succeeded. Rejects with the error that it failed with. */
async function follow(
  jobs: TrainingJobsClient,
  connection: Connection,
  job: TrainingJob__Output,
  onInterrupt: OnInterrupt | undefined,
): Promise<TrainingJob__Output> {
  const display = new TrainingDisplay(job.name);
  const leave = new AbortController();
  let cancelled = false;
  const decide = async (signal: NodeJS.Signals): Promise<void> => {
    display.hold();
    const chosen = await choice(onInterrupt, signal, connection.ends ? 'stop it for now' : 'leave it running');
    display.goOn();
    if (chosen === 'detach') return leave.abort();
    cancelled = true;
    await jobs.cancel(job.id);
  };
  const signals = onStopSignal((signal) => void decide(signal).catch(() => leave.abort()));
  if (waits(job) && stateOf(job) === 'PENDING' && !connection.ends) display.note(job.stateMessage);
  try {
    // Of a job that goes on only what is new.
    const after = job.attemptCount > 0 ? millisecondsOf(job.updateTime) : undefined;
    return succeeded(await watchJob(jobs, job, { display, signal: leave.signal, after }), cancelled);
  } catch (error) {
    throw leave.signal.aborted ? new InterruptedError(leftText(job, connection)) : error;
  } finally {
    signals.dispose();
    display.close();
  }
}

export interface Step {
  title: string;
  /** Makes a later call find the job of this one; absent: each call makes a job. */
  requestId?: string | undefined;
  onEvent?: (event: TrainingEvent__Output) => void;
}

/** Trains as one step of a command: again with the same request id it goes on with what is there. */
export async function trainStep(
  jobs: TrainingJobsClient,
  spec: TrainingSpec,
  { title, requestId, onEvent }: Step,
): Promise<TrainingJob__Output> {
  const display = new TrainingDisplay(title);
  const stop = new AbortController();
  const signals = onStopSignal(() => stop.abort());
  try {
    const create = () => jobs.create(spec, { requestId });
    const job = await unfinished(jobs, await create(), create);
    return succeeded(await watchJob(jobs, job, { display, signal: stop.signal, onEvent }), false);
  } catch (error) {
    throw stop.signal.aborted ? new InterruptedError('cancelled') : error;
  } finally {
    signals.dispose();
    display.close();
  }
}

/** The job, at work or about to be: one that failed or was paused goes on, one that was cancelled is made again. */
async function unfinished(
  jobs: TrainingJobsClient,
  job: TrainingJob__Output,
  create: () => Promise<TrainingJob__Output>,
): Promise<TrainingJob__Output> {
  switch (stateOf(job)) {
    case 'FAILED':
    case 'PAUSED':
      return jobs.resume(job.id);
    case 'CANCELLED':
      await jobs.delete(job.id);
      return create();
    default:
      return job;
  }
}

function succeeded(job: TrainingJob__Output, cancelledHere: boolean): TrainingJob__Output {
  const { name, stateMessage } = job;
  switch (stateOf(job)) {
    case 'SUCCEEDED':
      return job;
    case 'CANCELLED':
      throw cancelledHere
        ? new InterruptedError(`${name} is cancelled; nothing of it is kept`)
        : new CliError(`${name} was cancelled`);
    case 'FAILED':
      throw failure(job);
    default:
      throw new CliError(stateMessage === '' ? `${name} is ${stateOf(job)}` : stateMessage);
  }
}

/** What the job failed with, as the typed error that it was. */
function failure({ error, name, stateMessage }: TrainingJob__Output): Error {
  const code = ERROR_CODES.find((known) => known === error?.reason);
  if (!error || !code) return new CliError(`${name} failed: ${error?.message ?? stateMessage}`);
  return automedError(code, error.message, { field: error.field });
}
