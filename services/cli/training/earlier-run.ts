// What an earlier run of the same name left: going on with it or beginning anew is the user's choice, never a guess.

import { setTimeout as sleep } from 'node:timers/promises';
import type { TrainingJob__Output } from '../../../proto/gen/automed/training/v1/TrainingJob';
import type { TrainingSpec, TrainingSpec__Output } from '../../../proto/gen/automed/training/v1/TrainingSpec';
import type { TrainingJobServiceDefinition } from '../../../proto/gen/automed/training/v1/TrainingJobService';
import { collect, type TrainingJobsClient } from '../../client';
import { automedError } from '../../common/errors';
import { serviceDefinition } from '../../common/grpc/proto';
import { fromSpec } from '../../worker/protocol/training-spec-message';
import { trainingJobSpecSchema } from '../../worker/protocol/protocol';
import { stateOf } from '../../terminal/state';
import { UsageError } from '../program/errors';
import type { Connection } from '../program/session';

export interface Choice {
  resume?: boolean;
  restart?: boolean;
}

const POLL_MS = 200;

/** Epochs that a run has finished. */
const epochsOf = ({ progress }: TrainingJob__Output): number => progress?.latest?.epoch ?? 0;

const hasBegun = ({ progress }: TrainingJob__Output): boolean => (progress?.epoch ?? 0) > 0;

/** Whether nobody is at work on it, and it has something to lose. A server that stays goes on by itself. */
function isInterrupted(job: TrainingJob__Output, { ends }: Connection): boolean {
  const state = stateOf(job);
  if (state === 'RESUMING') return ends;
  return (state === 'PAUSED' || state === 'FAILED') && hasBegun(job);
}

/** A run that --resume may mean: also one that a server is at work on. */
const isUnfinished = (job: TrainingJob__Output): boolean =>
  ['RUNNING', 'RESUMING', 'PAUSING', 'PAUSED'].includes(stateOf(job)) || (stateOf(job) === 'FAILED' && hasBegun(job));

/**
 * The job to go on with; undefined when a new one is to be made.
 * @throws UsageError when there is an interrupted run and neither was said, or --resume and there is none
 */
export async function settleEarlierRun(
  jobs: TrainingJobsClient,
  connection: Connection,
  spec: TrainingSpec,
  { resume, restart }: Choice,
): Promise<TrainingJob__Output | undefined> {
  const named = await collect(jobs.list({ name: spec.name ?? '' }));
  if (resume) return resumed(jobs, named.find(isUnfinished), spec);
  for (const job of named.filter((each) => isInterrupted(each, connection))) {
    if (!restart && hasBegun(job)) {
      const epochs = epochsOf(job);
      throw new UsageError(
        `job ${job.id} holds an interrupted run (${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} done): ` +
          '--resume goes on with it, --restart deletes it and begins anew',
      );
    }
    await remove(jobs, job);
  }
  return undefined;
}

async function resumed(
  jobs: TrainingJobsClient,
  job: TrainingJob__Output | undefined,
  spec: TrainingSpec,
): Promise<TrainingJob__Output> {
  if (!job) {
    throw new UsageError(
      `there is no checkpoint to go on from: no run of ${spec.name} was interrupted; leave --resume out`,
    );
  }
  const others = job.spec ? differences(spec, job.spec) : [];
  if (others.length > 0) {
    throw new UsageError(
      `the interrupted run was asked for with other values of ${others.join(', ')}: it goes on as it began, or --restart begins anew`,
    );
  }
  return ['PAUSED', 'PAUSING', 'FAILED'].includes(stateOf(job)) ? jobs.resume(job.id) : job;
}

/** Deletes a job that nobody is at work on, checkpoints and all. */
async function remove(jobs: TrainingJobsClient, job: TrainingJob__Output): Promise<void> {
  if (stateOf(job) !== 'FAILED') {
    for (let now = await jobs.cancel(job.id); stateOf(now) === 'CANCELLING'; now = await jobs.get(job.id))
      await sleep(POLL_MS);
  }
  await jobs.delete(job.id);
}

/** What may differ between the command that began a run and the one that goes on with it: how fast it runs, not what it gives. */
const OF_THE_MACHINE = ['threads', 'decodeThreads', 'createdBy'];
/** What a registered data set stands for. */
const OF_THE_DATASET = [
  'data',
  'masksDir',
  'structures',
  'groupColumn',
  'layout',
  'columns',
  'maskValues',
  'intensity',
];

/** Whether a reference may have meant the version that it was kept as. */
function mayMean(asked: unknown, kept: unknown): boolean {
  if (typeof asked !== 'string' || typeof kept !== 'string' || /@\d+$/.test(asked)) return false;
  return asked.split('@')[0] === kept.split('@')[0];
}

/** Fields in which a specification is not the one that a job was made of. */
export function differences(asked: TrainingSpec, kept: TrainingSpec__Output): string[] {
  const ignored = new Set([...OF_THE_MACHINE, ...(kept.dataset === '' ? [] : OF_THE_DATASET)]);
  // As the service reads them, with what is left out filled in.
  const [wanted, found] = [asSent(asked), kept].map(filledIn) as [Map<string, unknown>, Map<string, unknown>];
  return [...new Set([...wanted.keys(), ...found.keys()])].filter((key) => {
    const [one, other] = [wanted.get(key), found.get(key)];
    return !ignored.has(key) && JSON.stringify(one) !== JSON.stringify(other) && !mayMean(one, other);
  });
}

/** A specification as the service reads it: what is left out has the defaults of the protocol. */
export function asSent(spec: TrainingSpec): TrainingSpec__Output {
  const { CreateTrainingJob } = serviceDefinition<TrainingJobServiceDefinition>(
    'automed.training.v1.TrainingJobService',
  );
  const { spec: sent } = CreateTrainingJob.requestDeserialize(CreateTrainingJob.requestSerialize({ spec }));
  if (sent === null) throw automedError('INTERNAL', 'a request lost its specification');
  return sent;
}

function filledIn(spec: TrainingSpec__Output): Map<string, unknown> {
  const { dataset, ...rest } = fromSpec(spec) as Record<string, unknown>;
  return new Map(Object.entries({ ...trainingJobSpecSchema.parse({ data: '', ...rest }), dataset }));
}
