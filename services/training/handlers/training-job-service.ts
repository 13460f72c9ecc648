import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { CreateTrainingJobRequest__Output } from '../../../proto/gen/automed/training/v1/CreateTrainingJobRequest';
import type { ListTrainingJobsRequest__Output } from '../../../proto/gen/automed/training/v1/ListTrainingJobsRequest';
import type { WatchTrainingJobRequest__Output } from '../../../proto/gen/automed/training/v1/WatchTrainingJobRequest';
import { automedError } from '../../common/errors';
import { serverStream, unary, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import type { DatasetRegistry } from '../domain/datasets/registry';
import type { Job, StoredEvent } from '../domain/jobs/job';
import type { CreateJob, JobQueue } from '../domain/jobs/queue';
import { TRAINING } from '../domain/jobs/training-kind';
import { watchJob } from '../domain/jobs/watch';
import { previewFolder } from '../../worker/job-folder/folders';
import { fromStates, toTrainingEvent, toTrainingJob } from './training-job-messages';
import { fromSpec, taskOf } from '../../worker/protocol/training-spec-message';

const NAME = 'automed.training.v1.TrainingJobService';
const MAX_PRIORITY = 1000;

export interface TrainingJobDeps {
  queue: JobQueue;
  datasets: DatasetRegistry;
  /** Root of the model store. */
  store: string;
  /** Forgets an ended job and deletes its folder. */
  remove: (kind: string, id: string) => Promise<void>;
  /** What a job that waits waits for; empty for one that does not. */
  waitsFor: (job: Job) => string;
  /** Hears of every watch. */
  watched: (id: string) => void;
  /** Ends the watches when the service stops. */
  stopping: AbortSignal;
  log: Logger;
}

interface WithId {
  id: string;
}

function toCreate(
  { requestId, spec, priority }: CreateTrainingJobRequest__Output,
  datasets: DatasetRegistry,
): CreateJob {
  if (spec === null) throw automedError('INVALID_ARGUMENT', 'The request has no specification.', { field: 'spec' });
  if (!/^[\w.-]{0,128}$/.test(requestId)) {
    throw automedError('INVALID_ARGUMENT', 'A request id is at most 128 of A-Z a-z 0-9 . _ -', { field: 'request_id' });
  }
  if (Math.abs(priority) > MAX_PRIORITY) {
    throw automedError('INVALID_ARGUMENT', `The priority ${priority} is outside [-1000, 1000].`, { field: 'priority' });
  }
  const task = taskOf(spec.task);
  if (!task) throw automedError('INVALID_ARGUMENT', 'The task is missing.', { field: 'spec.task' });
  const named = spec.dataset === '' ? {} : datasets.forTraining(spec.dataset, task, spec.allowDataProblems);
  // What the values mean is the caller's to say, of a data set that says it too.
  const own = spec.intensity === '' ? {} : { intensity: spec.intensity };
  return { kind: TRAINING, requestId, spec: { ...fromSpec(spec), ...named, ...own }, name: spec.name, task, priority };
}

export function trainingJobService(deps: TrainingJobDeps): ServiceRegistration {
  const { queue, store, log } = deps;
  const told = (answer: Job) => toTrainingJob(answer, store, deps.waitsFor(answer));
  const job = (answer: Job) => ({ job: told(answer) });
  const implementation: UntypedServiceImplementation = {
    CreateTrainingJob: unary(log, async (request: CreateTrainingJobRequest__Output, { principal: creator }) =>
      job(await queue.submit({ ...toCreate(request, deps.datasets), creator })),
    ),
    GetTrainingJob: unary(log, ({ id }: WithId) => job(queue.get(TRAINING, id))),
    ListTrainingJobs: unary(log, (request: ListTrainingJobsRequest__Output) => {
      const { states, task, name } = request;
      const filter = { states: fromStates(states), task: taskOf(task), name: name === '' ? undefined : name };
      const { jobs, nextPageToken } = queue.list({ kind: TRAINING, ...filter }, request);
      return { jobs: jobs.map(told), nextPageToken };
    }),
    CancelTrainingJob: unary(log, ({ id }: WithId) => job(queue.cancel(TRAINING, id))),
    PauseTrainingJob: unary(log, ({ id }: WithId) => job(queue.pause(TRAINING, id))),
    ResumeTrainingJob: unary(log, ({ id }: WithId) => job(queue.resume(TRAINING, id))),
    DeleteTrainingJob: unary(log, async ({ id }: WithId) => {
      await deps.remove(TRAINING, id);
      return {};
    }),
    WatchTrainingJob: serverStream(log, (request: WatchTrainingJobRequest__Output, { signal }) =>
      watch(deps, request, signal),
    ),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}

/** The picture of a preview's event, while it is kept. */
async function previewOf(store: string, id: string, { event }: StoredEvent): Promise<Buffer | undefined> {
  if (event.type !== 'preview') return undefined;
  return readFile(join(previewFolder(store, id), event.file)).catch(() => undefined);
}

/** The sequence number behind a token, which names a job and its event. */
function behind(token: string, id: string): number {
  const [, job, sequence] = /^([0-9a-f]{16})\.(\d{1,15})$/.exec(token) ?? [];
  if (job === id) return Number(sequence) + 1;
  throw automedError('INVALID_ARGUMENT', 'The token is not one of a watch of this job.', { field: 'resume_token' });
}

async function* watch(
  deps: TrainingJobDeps,
  { id, fromSequence, resumeToken }: WatchTrainingJobRequest__Output,
  signal: AbortSignal,
) {
  const from = resumeToken === '' ? Number(fromSequence) : behind(resumeToken, id);
  if (from < 0) {
    throw automedError('INVALID_ARGUMENT', 'A sequence number is at least 0.', { field: 'from_sequence' });
  }
  const ended = AbortSignal.any([signal, deps.stopping]);
  deps.queue.get(TRAINING, id);
  deps.watched(id);
  try {
    for await (const event of watchJob(deps.queue, { kind: TRAINING, id, fromSequence: from }, ended)) {
      const resumeToken = `${id}.${event.sequence}`;
      yield { event: toTrainingEvent(event, await previewOf(deps.store, id, event)), resumeToken };
    }
  } catch (error) {
    if (!deps.stopping.aborted || signal.aborted) throw error;
    const text = 'The training service is shutting down; watch again from the event after the last one.';
    throw automedError('SERVICE_UNAVAILABLE', text, { retryAfterMs: 1_000 });
  }
}
