import { randomUUID } from 'node:crypto';
import type { Channel } from '@grpc/grpc-js';
import type { TrainingEvent__Output } from '../../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingJob__Output } from '../../../proto/gen/automed/training/v1/TrainingJob';
import type { TrainingJobServiceDefinition } from '../../../proto/gen/automed/training/v1/TrainingJobService';
import type { TrainingSpec } from '../../../proto/gen/automed/training/v1/TrainingSpec';
import { paged, present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';
import type { ResumeOptions } from '../core/breaks';

export interface CreateJobOptions extends CallOptions {
  /** The same id with the same specification makes one job; default: one of the call's own. */
  requestId?: string | undefined;
  /** Orders waiting jobs, higher first, `[-100, 100]`; default 0. */
  priority?: number | undefined;
}

export interface ListJobsOptions extends CallOptions {
  /** Of what is trained; default: all. */
  name?: string | undefined;
}

export interface WatchOptions extends ResumeOptions {
  /** Number of the first event wanted, `[1, inf)`; default 1. */
  fromSequence?: number | undefined;
}

/** Training jobs. Every method rejects with an AutomedError. */
export class TrainingJobsClient {
  private readonly calls: Caller<TrainingJobServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.training.v1.TrainingJobService', channel, options);
  }

  /** Queues a job. */
  async create(
    spec: TrainingSpec,
    { requestId = randomUUID(), priority = 0, ...options }: CreateJobOptions = {},
  ): Promise<TrainingJob__Output> {
    const request = { requestId, spec, priority };
    return present((await this.calls.unary('CreateTrainingJob', request, options, true)).job, 'job');
  }

  async get(id: string, options?: CallOptions): Promise<TrainingJob__Output> {
    return present((await this.calls.unary('GetTrainingJob', { id }, options)).job, 'job');
  }

  /** Every job, or those that train a name, newest first. */
  list({ name = '', ...options }: ListJobsOptions = {}): AsyncGenerator<TrainingJob__Output> {
    return paged(async (page) => {
      const { jobs, nextPageToken } = await this.calls.unary('ListTrainingJobs', { ...page, name }, options);
      return { items: jobs, nextPageToken };
    });
  }

  /** Stops a job for good. */
  async cancel(id: string, options?: CallOptions): Promise<TrainingJob__Output> {
    return present((await this.calls.unary('CancelTrainingJob', { id }, options)).job, 'job');
  }

  /** Stops a job at its next step and keeps its checkpoint. */
  async pause(id: string, options?: CallOptions): Promise<TrainingJob__Output> {
    return present((await this.calls.unary('PauseTrainingJob', { id }, options)).job, 'job');
  }

  /** Goes on with a paused or failed job, from its last checkpoint. */
  async resume(id: string, options?: CallOptions): Promise<TrainingJob__Output> {
    return present((await this.calls.unary('ResumeTrainingJob', { id }, options)).job, 'job');
  }

  /** Forgets an ended or paused job; what it registered stays. */
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.calls.unary('DeleteTrainingJob', { id }, options);
  }

  /** The events of a job to its end, each once. A stream that breaks is opened again behind the last event. */
  async *watch(id: string, { fromSequence = 1, ...options }: WatchOptions = {}): AsyncGenerator<TrainingEvent__Output> {
    const request = { id, fromSequence };
    let last = fromSequence - 1;
    for await (const { event } of this.calls.resumedStream('WatchTrainingJob', request, options, true)) {
      // A server of before the resume tokens tells everything again.
      if (event === null || Number(event.sequence) <= last) continue;
      last = Number(event.sequence);
      yield event;
    }
  }
}
