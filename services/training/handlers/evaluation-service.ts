import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { CreateEvaluationRequest__Output } from '../../../proto/gen/automed/evaluations/v1/CreateEvaluationRequest';
import type { ListEvaluationSamplesRequest__Output } from '../../../proto/gen/automed/evaluations/v1/ListEvaluationSamplesRequest';
import type { ListEvaluationsRequest__Output } from '../../../proto/gen/automed/evaluations/v1/ListEvaluationsRequest';
import { automedError } from '../../common/errors';
import { unary, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import type { Evaluations, EvaluationView } from '../domain/evaluations/evaluations';
import { evaluationStates, fromEvaluationSpec, orderOf, toEvaluation, toSample } from './evaluation-messages';

const NAME = 'automed.evaluations.v1.EvaluationService';

interface WithId {
  id: string;
}

/** @param home root of the model store */
export function evaluationService(evaluations: Evaluations, home: string, log: Logger): ServiceRegistration {
  const answer = (view: EvaluationView) => ({ evaluation: toEvaluation(view, home) });
  const implementation: UntypedServiceImplementation = {
    CreateEvaluation: unary(log, async ({ requestId, spec }: CreateEvaluationRequest__Output) => {
      if (spec === null) throw automedError('INVALID_ARGUMENT', 'The request has no specification.', { field: 'spec' });
      if (!/^[\w.-]{0,128}$/.test(requestId)) {
        const text = 'A request id is at most 128 of A-Z a-z 0-9 . _ -';
        throw automedError('INVALID_ARGUMENT', text, { field: 'request_id' });
      }
      return answer(await evaluations.create(requestId, fromEvaluationSpec(spec), spec.dataset));
    }),
    GetEvaluation: unary(log, async ({ id }: WithId) => answer(await evaluations.get(id))),
    ListEvaluations: unary(log, async (request: ListEvaluationsRequest__Output) => {
      const states = evaluationStates(request.states);
      const filter = { ...(request.name === '' ? {} : { name: request.name }), ...(states ? { states } : {}) };
      const { evaluations: page, nextPageToken } = await evaluations.list(filter, request);
      return { evaluations: page.map((view) => toEvaluation(view, home)), nextPageToken };
    }),
    ListEvaluationSamples: unary(log, async (request: ListEvaluationSamplesRequest__Output) => {
      const { samples, result, nextPageToken } = await evaluations.samples(request.id, request, orderOf(request.order));
      return { samples: samples.map((sample) => toSample(sample, result)), nextPageToken };
    }),
    CancelEvaluation: unary(log, async ({ id }: WithId) => answer(await evaluations.cancel(id))),
    DeleteEvaluation: unary(log, async ({ id }: WithId) => {
      await evaluations.delete(id);
      return {};
    }),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}
