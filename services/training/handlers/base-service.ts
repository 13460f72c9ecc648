import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { CreateBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/CreateBaseRequest';
import type { CreateBaseResponse } from '../../../proto/gen/automed/bases/v1/CreateBaseResponse';
import type { EvaluateBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/EvaluateBaseRequest';
import type { EvaluateBaseResponse } from '../../../proto/gen/automed/bases/v1/EvaluateBaseResponse';
import type { ImportBackboneRequest__Output } from '../../../proto/gen/automed/bases/v1/ImportBackboneRequest';
import type { ImportBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/ImportBaseRequest';
import { checked } from '../../common/checked';
import { automedError } from '../../common/errors';
import { serverStream, unary, type CallContext, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import { told } from '../../common/told';
import { baseArchitecture } from '../../store';
import { importBackboneSpecSchema, importSpecSchema } from '../../worker/protocol/import-protocol';
import { createBaseSpecSchema, evaluateBaseSpecSchema } from '../../worker/protocol/protocol';
import { checkDataExists } from '../../worker/protocol/preflight';
import type { BaseWork } from '../domain/bases';
import { KeptRuns, type Reader } from '../../common/kept-runs';
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

const LONGEST_KEEP_MS = 300_000;

interface Evaluations {
  bases: BaseWork;
  /** Those that go on while their callers find their way back. */
  runs: KeptRuns<EvaluateBaseResponse>;
  stopping: AbortSignal;
}

async function* evaluate(
  evaluations: Evaluations,
  { resumeToken, keepMs, ...request }: EvaluateBaseRequest__Output,
  { signal, principal: owner }: CallContext,
): AsyncGenerator<EvaluateBaseResponse> {
  if (keepMs < 0 || keepMs > LONGEST_KEEP_MS) {
    const text = `keep_ms must be in [0, ${LONGEST_KEEP_MS}].`;
    throw automedError('INVALID_ARGUMENT', text, { field: 'keep_ms' });
  }
  const reader: Reader = { owner, keepMs, signal };
  const { runs } = evaluations;
  const events = resumeToken === '' ? await begin(evaluations, request, reader) : runs.resume(resumeToken, reader);
  for await (const { token, event } of events) yield { ...event, resumeToken: token };
}

async function begin(
  { bases, runs, stopping }: Evaluations,
  request: Omit<EvaluateBaseRequest__Output, 'resumeToken' | 'keepMs'>,
  reader: Reader,
): Promise<ReturnType<KeptRuns<EvaluateBaseResponse>['begin']>> {
  const spec = checked(evaluationSchema, fromEvaluation(request));
  await checkDataExists(spec);
  return runs.begin(async function* (signal) {
    const ended = AbortSignal.any([signal, stopping]);
    yield yield* told<EvaluateBaseResponse, EvaluateBaseResponse>(async (tell) => {
      const onEvent = (event: Parameters<typeof toProgress>[0]): void => {
        const progress = toProgress(event);
        if (progress) tell(progress);
      };
      return { result: toResult(await bases.evaluate(spec, { signal: ended, onEvent }), bases.store) };
    });
  }, reader);
}

/** @param stopping ends what runs when the service stops */
export function baseService(bases: BaseWork, stopping: AbortSignal, log: Logger): ServiceRegistration {
  const evaluations: Evaluations = { bases, runs: new KeptRuns(), stopping };
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
      evaluate(evaluations, request, context),
    ),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}
