import { call, type CallOptions } from './call';
import { events, type Place } from './events';
import type { JobState, TrainingEvent, TrainingJob, TrainingSpec } from './job-types';

const SERVICE = 'automed.training.v1.TrainingJobService';
type Answer = Promise<TrainingJob>;

const job = async (method: string, request: object, options?: CallOptions): Answer =>
  (await call<{ job: TrainingJob }>(SERVICE, method, request, options)).job;

/** The newest ones. */
export async function listJobs(options: CallOptions): Promise<TrainingJob[]> {
  const { jobs = [] } = await call<{ jobs?: TrainingJob[] }>(SERVICE, 'ListTrainingJobs', { pageSize: 200 }, options);
  return jobs;
}

export const getJob = (id: string, options?: CallOptions): Answer => job('GetTrainingJob', { id }, options);

/** @param requestId the same for every try of one form, so that a repeated one makes no second job */
export const createJob = (spec: TrainingSpec, requestId: string): Answer =>
  job('CreateTrainingJob', { spec, requestId });

export type JobAction = 'Cancel' | 'Pause' | 'Resume';
export const actOn = (id: string, action: JobAction): Answer => job(`${action}TrainingJob`, { id });

/** Everything that happened behind a place, then what happens; ends with the job. */
export async function* watchJob(id: string, signal: AbortSignal, place: Place): AsyncGenerator<TrainingEvent> {
  const told = events<{ event?: TrainingEvent }>(SERVICE, 'WatchTrainingJob', { id }, signal, place);
  for await (const { event } of told) if (event) yield event;
}

const ENDED: readonly JobState[] = [
  'TRAINING_JOB_STATE_CANCELLED',
  'TRAINING_JOB_STATE_SUCCEEDED',
  'TRAINING_JOB_STATE_FAILED',
];
export const hasEnded = (state: JobState): boolean => ENDED.includes(state);
