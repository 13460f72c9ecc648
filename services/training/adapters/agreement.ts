import { automedError } from '../../common/errors';
import { referenceOf } from '../../store';
import { launchWorker, type LaunchOptions } from '../../worker/launch/launch-worker';
import type { EvaluationData, MeasureAgreement } from '../domain/promotions/promotion';

interface Settings {
  /** Root of the model store. */
  store: string;
  /** LibTorch threads of the worker. */
  threads: number;
  env: LaunchOptions['env'];
}

/** Compares versions in a worker of its own: it loads the addon, and takes its memory with it. */
export function agreementByWorker(
  dataOf: (evaluation: string) => Promise<EvaluationData>,
  { store, threads, env }: Settings,
): MeasureAgreement {
  return async ({ candidate, current, evaluation }, signal) => {
    const spec = {
      ...(await dataOf(evaluation)),
      store,
      threads,
      candidate: referenceOf(candidate),
      current: referenceOf(current),
    };
    const { metrics } = await launchWorker({ type: 'compareModels', spec }, { signal, env });
    const { agreement: value, images } = metrics;
    if (typeof value === 'number' && typeof images === 'number') return { value, images };
    throw automedError('INTERNAL', 'the comparison ended without an agreement');
  };
}
