import type { Evaluation__Output } from '../../proto/gen/automed/evaluations/v1/Evaluation';
import type { EvaluationSample__Output } from '../../proto/gen/automed/evaluations/v1/EvaluationSample';
import type { EvaluationServiceDefinition } from '../../proto/gen/automed/evaluations/v1/EvaluationService';
import type { EvaluationSpec } from '../../proto/gen/automed/evaluations/v1/EvaluationSpec';
import { automedError } from '../common/errors';
import { type ApiClient, evaluationClient } from '../common/grpc/client';

const PAGE_SIZE = 200;

/** Evaluations as the command line asks for them. Every method rejects with a typed error. */
export class EvaluationClient {
  private readonly client: ApiClient<EvaluationServiceDefinition>;
  private readonly settings: { timeoutMs: number };

  /**
   * @param address `host:port` of a gateway or of the training service
   * @param timeoutMs what one call may take
   */
  constructor(address: string, timeoutMs: number) {
    this.client = evaluationClient(address);
    this.settings = { timeoutMs };
  }

  async create(spec: EvaluationSpec): Promise<Evaluation__Output> {
    return present((await this.client.unary('CreateEvaluation', { spec }, this.settings)).evaluation);
  }

  async get(id: string): Promise<Evaluation__Output> {
    return present((await this.client.unary('GetEvaluation', { id }, this.settings)).evaluation);
  }

  /** All of a model, or of all models when `name` is empty; the newest first. */
  async list(name: string): Promise<Evaluation__Output[]> {
    const all: Evaluation__Output[] = [];
    for (let pageToken = ''; ;) {
      const request = { name, pageSize: PAGE_SIZE, pageToken };
      const { evaluations, nextPageToken } = await this.client.unary('ListEvaluations', request, this.settings);
      all.push(...evaluations);
      if (nextPageToken === '') return all;
      pageToken = nextPageToken;
    }
  }

  /** The worst images. */
  async worst(id: string, pageSize: number): Promise<EvaluationSample__Output[]> {
    return (await this.client.unary('ListEvaluationSamples', { id, pageSize }, this.settings)).samples;
  }

  async cancel(id: string): Promise<Evaluation__Output> {
    return present((await this.client.unary('CancelEvaluation', { id }, this.settings)).evaluation);
  }

  async delete(id: string): Promise<void> {
    await this.client.unary('DeleteEvaluation', { id }, this.settings);
  }

  close(): void {
    this.client.close();
  }
}

function present(evaluation: Evaluation__Output | null): Evaluation__Output {
  if (evaluation === null) throw automedError('INTERNAL', 'the answer lacks its evaluation');
  return evaluation;
}
