import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { CreateBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/CreateBaseRequest';
import type { CreateBaseResponse } from '../../../proto/gen/automed/bases/v1/CreateBaseResponse';
import type { EvaluateBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/EvaluateBaseRequest';
import type { EvaluateBaseResponse } from '../../../proto/gen/automed/bases/v1/EvaluateBaseResponse';
import type { ImportBackboneRequest__Output } from '../../../proto/gen/automed/bases/v1/ImportBackboneRequest';
import type { ImportBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/ImportBaseRequest';
import { checked } from '../../common/checked';
import { serverStream, unary, type CallContext, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import { told } from '../../common/told';
import { baseArchitecture } from '../../store';
import { importBackboneSpecSchema, importSpecSchema } from '../../worker/protocol/import-protocol';
import { createBaseSpecSchema, evaluateBaseSpecSchema } from '../../worker/protocol/protocol';
import { checkDataExists } from '../../worker/protocol/preflight';
import type { BaseWork } from '../domain/bases';
import { bytesOf, fromBackbone, fromEvaluation, fromImport, made, toProgress, toReport } from './base-messages';
import { toResult } from './training-job-messages';

const NAME = 'automed.bases.v1.BaseService';
const evaluationSchema = evaluateBaseSpecSchema.omit({ store: true, threads: true, jobFolder: true });

async function create(
  bases: BaseWork,
  { seed, ...rest }: CreateBaseRequest__Output,
  { signal }: CallContext,
): Promise<CreateBaseResponse> {
  const spec = checked(createBaseSpecSchema, { ...rest, seed: Number(seed), store: bases.store });
  baseArchitecture(spec.arch);
  const finished = await bases.run({ type: 'createBase', spec }, { signal });
  return {
    base: made(finished.base),
    parameterCount: bytesOf(finished, 'parameters'),
    weightsBytes: bytesOf(finished, 'bytes'),
  };
}

async function* evaluate(
  bases: BaseWork,
  request: EvaluateBaseRequest__Output,
  { signal }: CallContext,
  stopping: AbortSignal,
): AsyncGenerator<EvaluateBaseResponse> {
  const spec = checked(evaluationSchema, fromEvaluation(request));
  await checkDataExists(spec);
  const ended = AbortSignal.any([signal, stopping]);
  const events = told<EvaluateBaseResponse, EvaluateBaseResponse>(async (tell) => {
    const onEvent = (event: Parameters<typeof toProgress>[0]): void => {
      const progress = toProgress(event);
      if (progress) tell(progress);
    };
    return { result: toResult(await bases.evaluate(spec, { signal: ended, onEvent }), bases.store) };
  });
  yield yield* events;
}

/** @param stopping ends what runs when the service stops */
export function baseService(bases: BaseWork, stopping: AbortSignal, log: Logger): ServiceRegistration {
  const until = ({ signal }: CallContext) => ({ signal: AbortSignal.any([signal, stopping]) });
  const implementation: UntypedServiceImplementation = {
    CreateBase: unary(log, (request: CreateBaseRequest__Output, context) => create(bases, request, context)),
    ImportBase: unary(log, async (request: ImportBaseRequest__Output, context) => {
      const spec = checked(importSpecSchema, { ...fromImport(request), store: bases.store });
      const { base, imported } = await bases.run({ type: 'importBase', spec }, until(context));
      return { base: made(base), report: toReport(imported) };
    }),
    ImportBackbone: unary(log, async (request: ImportBackboneRequest__Output, context) => {
      const spec = checked(importBackboneSpecSchema, { ...fromBackbone(request), store: bases.store });
      const { backbone, imported } = await bases.run({ type: 'importBackbone', spec }, until(context));
      return { backbone: made(backbone), report: toReport(imported) };
    }),
    EvaluateBase: serverStream(log, (request: EvaluateBaseRequest__Output, context) =>
      evaluate(bases, request, context, stopping),
    ),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}
