// Which images of a data set to label next, while the caller waits.

import type { LabelOrderBenefit } from '../../../proto/gen/automed/datasets/v1/LabelOrderBenefit';
import type { NextLabels } from '../../../proto/gen/automed/datasets/v1/NextLabels';
import type { OrderNextLabelsRequest__Output } from '../../../proto/gen/automed/datasets/v1/OrderNextLabelsRequest';
import type { OrderNextLabelsResponse } from '../../../proto/gen/automed/datasets/v1/OrderNextLabelsResponse';
import { checked } from '../../common/checked';
import { automedError } from '../../common/errors';
import { told } from '../../common/told';
import { labelOrderSchema, statementOf, tooFewLabelled, type LabelOrder } from '../../next-labels/label-order';
import { orderLabelsSpecSchema } from '../../worker/protocol/protocol';
import type { BaseWork } from '../domain/bases';
import type { DatasetRegistry } from '../domain/datasets/registry';

interface NextLabelsDeps {
  datasets: DatasetRegistry;
  bases: BaseWork;
  /** Ends the worker. */
  signal: AbortSignal;
}

const knobsSchema = orderLabelsSpecSchema.pick({ base: true, count: true, limit: true, seed: true });

export async function* orderNextLabels(
  { dataset: reference, base, count, limit, seed }: OrderNextLabelsRequest__Output,
  { datasets, bases, signal }: NextLabelsDeps,
): AsyncGenerator<OrderNextLabelsResponse> {
  if (base === '') throw automedError('INVALID_ARGUMENT', 'The request names no base.', { field: 'base' });
  const knobs = checked(knobsSchema, {
    ...{ base, seed: Number(seed) },
    ...(count === 0 ? {} : { count }),
    ...(limit === 0 ? {} : { limit }),
  });
  const { task } = datasets.get(reference).source;
  const fields = datasets.forTraining(reference, task, true);
  const { store, threads } = bases;
  // One sample for each image: an image is labelled whole.
  const spec = orderLabelsSpecSchema.parse({
    ...{ ...fields, eachMask: false, task, ...knobs },
    ...{ store, threads, device: 'auto' },
  });
  yield yield* told<OrderNextLabelsResponse, OrderNextLabelsResponse>(async (tell) => {
    const finished = await bases.run(
      { type: 'orderLabels', spec },
      {
        signal,
        onEvent: (event) => {
          if (event.type !== 'preparing') return;
          tell({ preparation: { doneCount: event.done, totalCount: event.total } });
        },
      },
    );
    return { result: toNextLabels(labelOrderSchema.parse(finished.metrics)) };
  });
}

function toNextLabels({ images, unlabelled, labelled, benefit }: LabelOrder): NextLabels {
  return {
    images,
    unlabelledCount: unlabelled,
    labelledCount: labelled,
    ...(benefit ? { benefit: toBenefit(benefit) } : { reason: tooFewLabelled(labelled) }),
  };
}

function toBenefit(benefit: NonNullable<LabelOrder['benefit']>): LabelOrderBenefit {
  return {
    helps: benefit.helps,
    labelShare: benefit.share,
    labelShareLow: benefit.low,
    labelShareHigh: benefit.high,
    seedCount: benefit.seeds,
    labelCount: benefit.labels,
    randomScore: benefit.randomScore,
    orderedScore: benefit.orderedScore,
    poolCount: benefit.poolCount,
    testCount: benefit.testCount,
    statement: statementOf(benefit),
  };
}
