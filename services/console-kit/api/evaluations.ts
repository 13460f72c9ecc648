import { call, type CallOptions } from './call';
import type { EvaluationSample } from './evaluation-types';

const SERVICE = 'automed.evaluations.v1.EvaluationService';

export interface Evaluation {
  id: string;
  spec: { model: string; data?: string; dataset?: string; part?: string };
  state: string;
  createTime?: string;
  result?: {
    model: string;
    part?: string;
    imageCount?: number;
    dataFingerprint?: string;
    scores?: { name: string; value?: number; low?: number; high?: number }[];
  };
}

export async function listEvaluations(options: CallOptions): Promise<Evaluation[]> {
  const request = { pageSize: 1000, states: ['EVALUATION_STATE_SUCCEEDED'] };
  const { evaluations = [] } = await call<{ evaluations?: Evaluation[] }>(SERVICE, 'ListEvaluations', request, options);
  return evaluations;
}

/** Every image of an evaluation, by name. */
export async function evaluationSamples(id: string, options: CallOptions): Promise<EvaluationSample[]> {
  const samples: EvaluationSample[] = [];
  for (let pageToken = ''; ;) {
    const request = { id, pageSize: 1000, pageToken, order: 'EVALUATION_SAMPLE_ORDER_NAME' };
    const page = await call<{ samples?: EvaluationSample[]; nextPageToken?: string }>(
      SERVICE,
      'ListEvaluationSamples',
      request,
      options,
    );
    samples.push(...(page.samples ?? []));
    pageToken = page.nextPageToken ?? '';
    if (pageToken === '') return samples;
  }
}
