// What callers do with evaluations: jobs of their own kind, whose results lie in the store.

import { automedError, NotFoundError } from '../../../common/errors';
import type { StoredModel, Task } from '../../../store';
import type { Job } from '../jobs/job';
import type { JobQueue } from '../jobs/queue';
import { next, type State } from '../jobs/state';
import { EVALUATION } from './evaluation-kind';
import {
  readEvaluatedSamples,
  readEvaluation,
  removeEvaluation,
  type EvaluatedSample,
  type EvaluationResult,
} from '../../../worker/protocol/evaluation-results';

export type SampleOrder = 'worst-first' | 'best-first' | 'name';

/** A job with its result once it has one. */
export interface EvaluationView {
  job: Job;
  result: EvaluationResult | undefined;
  /** What it waits for, as a sentence; empty for one that does not wait. */
  waiting: string;
}

interface PageRequest {
  pageSize: number;
  pageToken: string;
}

export interface EvaluationsDeps {
  queue: JobQueue;
  /** Root of the model store. */
  home: string;
  resolveModel: (reference: string) => Promise<StoredModel>;
  /** Where the samples of a registered data set are; throws a typed error when they are not to be measured on. */
  dataOf: (reference: string, task: Task, allowDataProblems: boolean) => object;
  /** Forgets an ended job and deletes its folder. */
  remove: (kind: string, id: string) => Promise<void>;
  /** What a job that waits waits for; empty for one that does not. */
  waitsFor: (job: Job) => string;
}

/** As it comes in; the kind's schema checks the rest. */
export interface EvaluationDraft {
  model?: string;
  allowDataProblems?: boolean;
  intensity?: string;
}

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

const ORDERS: Readonly<Record<SampleOrder, (a: EvaluatedSample, b: EvaluatedSample) => number>> = {
  // The rows of a result are the worst first; sorting is stable.
  'worst-first': () => 0,
  'best-first': (a, b) => b.score - a.score,
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
};

const intensityOf = ({ intensity }: EvaluationDraft): object => (intensity === undefined ? {} : { intensity });

export class Evaluations {
  constructor(private readonly deps: EvaluationsDeps) {}

  /** Queues an evaluation of the version that the reference names now. @param dataset registered one, instead of `data` */
  async create(requestId: string, spec: EvaluationDraft, dataset = ''): Promise<EvaluationView> {
    if (!spec.model) throw automedError('INVALID_ARGUMENT', 'The request names no model.', { field: 'spec.model' });
    const { manifest } = await this.deps.resolveModel(spec.model).catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error;
      throw automedError('NOT_FOUND', error.message, { field: 'spec.model', cause: error });
    });
    const named = dataset === '' ? {} : this.deps.dataOf(dataset, manifest.task, spec.allowDataProblems ?? false);
    const job = await this.deps.queue.submit({
      kind: EVALUATION,
      requestId,
      // What the values mean is the caller's to say, of a data set that says it too.
      spec: { ...spec, ...named, ...intensityOf(spec), model: `${manifest.name}@${manifest.version}` },
      name: manifest.name,
      task: manifest.task,
      priority: 0,
    });
    return this.view(job);
  }

  async get(id: string): Promise<EvaluationView> {
    return this.view(this.deps.queue.get(EVALUATION, id));
  }

  async list(
    filter: { name?: string; states?: readonly State[] },
    request: PageRequest,
  ): Promise<{ evaluations: EvaluationView[]; nextPageToken: string }> {
    const { jobs, nextPageToken } = this.deps.queue.list({ kind: EVALUATION, ...filter }, request);
    return { evaluations: await Promise.all(jobs.map((job) => this.view(job))), nextPageToken };
  }

  /** A page of the images; the token is the number of images before it, which never changes. */
  async samples(
    id: string,
    { pageSize, pageToken }: PageRequest,
    order: SampleOrder,
  ): Promise<{ samples: EvaluatedSample[]; result: EvaluationResult; nextPageToken: string }> {
    const { state } = this.deps.queue.get(EVALUATION, id);
    if (state !== 'SUCCEEDED') {
      throw automedError('ILLEGAL_STATE', `The evaluation is ${state}; its images are listed when it has succeeded.`, {
        field: 'state',
      });
    }
    if (pageSize < 0 || pageSize > MAX_PAGE) {
      throw automedError('INVALID_ARGUMENT', `A page size of ${pageSize} is outside [0, ${MAX_PAGE}].`, {
        field: 'page_size',
      });
    }
    const [, tokenOrder, digits] = /^([a-z-]+):(\d{1,9})$/.exec(pageToken) ?? [];
    if (pageToken !== '' && tokenOrder !== order) {
      throw automedError('INVALID_ARGUMENT', 'The page token is not one of this list.', { field: 'page_token' });
    }
    const begin = Number(digits ?? 0);
    const end = begin + (pageSize === 0 ? DEFAULT_PAGE : pageSize);
    const all = (await readEvaluatedSamples(this.deps.home, id)).sort(ORDERS[order]);
    return {
      samples: all.slice(begin, end),
      result: await readEvaluation(this.deps.home, id),
      nextPageToken: end < all.length ? `${order}:${end}` : '',
    };
  }

  async cancel(id: string): Promise<EvaluationView> {
    return this.view(this.deps.queue.cancel(EVALUATION, id));
  }

  /** The result first: what is left of a deletion that was interrupted can be deleted again. */
  async delete(id: string): Promise<void> {
    next(this.deps.queue.get(EVALUATION, id).state, 'delete');
    await removeEvaluation(this.deps.home, id);
    await this.deps.remove(EVALUATION, id);
  }

  private async view(job: Job): Promise<EvaluationView> {
    if (job.state !== 'SUCCEEDED') return { job, result: undefined, waiting: this.deps.waitsFor(job) };
    const result = await readEvaluation(this.deps.home, job.id).catch((error: unknown) => {
      // Deleted between two looks, or lost with a folder that was not restored: the job is still worth telling.
      if (error instanceof NotFoundError) return undefined;
      throw error;
    });
    return { job, result, waiting: '' };
  }
}
