import { randomUUID } from 'node:crypto';
import type { Channel } from '@grpc/grpc-js';
import type { Evaluation__Output } from '../../../proto/gen/automed/evaluations/v1/Evaluation';
import type { EvaluationSample__Output } from '../../../proto/gen/automed/evaluations/v1/EvaluationSample';
import type { EvaluationSampleOrder } from '../../../proto/gen/automed/evaluations/v1/EvaluationSampleOrder';
import type { EvaluationServiceDefinition } from '../../../proto/gen/automed/evaluations/v1/EvaluationService';
import type { EvaluationSpec } from '../../../proto/gen/automed/evaluations/v1/EvaluationSpec';
import { paged, present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';
import { polled, type PollOptions } from '../core/polled';

const ENDED = new Set(['EVALUATION_STATE_SUCCEEDED', 'EVALUATION_STATE_FAILED', 'EVALUATION_STATE_CANCELLED']);

/** Evaluations of models on labelled images. Every method rejects with an AutomedError. */
export class EvaluationsClient {
  private readonly calls: Caller<EvaluationServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.evaluations.v1.EvaluationService', channel, options);
  }

  /** @param requestId the same id with the same specification makes one evaluation; default: one of the call's own */
  async create(
    spec: EvaluationSpec,
    { requestId = randomUUID(), ...options }: CallOptions & { requestId?: string | undefined } = {},
  ): Promise<Evaluation__Output> {
    const answer = await this.calls.unary('CreateEvaluation', { requestId, spec }, options, true);
    return present(answer.evaluation, 'evaluation');
  }

  async get(id: string, options?: CallOptions): Promise<Evaluation__Output> {
    return present((await this.calls.unary('GetEvaluation', { id }, options)).evaluation, 'evaluation');
  }

  /** Waits until it has ended, in whatever way. */
  wait(id: string, options: PollOptions<Evaluation__Output> = {}): Promise<Evaluation__Output> {
    return polled(
      (call) => this.get(id, call),
      ({ state }) => ENDED.has(state),
      options,
    );
  }

  /** The newest first. @param name keeps those of one model, by its name without version */
  list({ name = '', ...options }: CallOptions & { name?: string } = {}): AsyncGenerator<Evaluation__Output> {
    return paged(async (page) => {
      const { evaluations, nextPageToken } = await this.calls.unary('ListEvaluations', { ...page, name }, options);
      return { items: evaluations, nextPageToken };
    });
  }

  /** The images of an evaluation. @param order default: the worst first */
  samples(
    id: string,
    { order = 'EVALUATION_SAMPLE_ORDER_UNSPECIFIED', ...options }: CallOptions & { order?: EvaluationSampleOrder } = {},
  ): AsyncGenerator<EvaluationSample__Output> {
    return paged(async (page) => {
      const { samples, nextPageToken } = await this.calls.unary(
        'ListEvaluationSamples',
        { ...page, id, order },
        options,
      );
      return { items: samples, nextPageToken };
    });
  }

  /** The images with the lowest scores. @param count at most, `[1, 1000]` */
  async worst(id: string, count: number, options?: CallOptions): Promise<EvaluationSample__Output[]> {
    return (await this.calls.unary('ListEvaluationSamples', { id, pageSize: count }, options)).samples;
  }

  async cancel(id: string, options?: CallOptions): Promise<Evaluation__Output> {
    return present((await this.calls.unary('CancelEvaluation', { id }, options)).evaluation, 'evaluation');
  }

  /** Deletes an evaluation that has ended: scores, report and pictures. */
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.calls.unary('DeleteEvaluation', { id }, options);
  }
}
