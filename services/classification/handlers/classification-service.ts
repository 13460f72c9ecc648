import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ClassifyRequest__Output } from '../../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { ClassifyStreamRequest__Output } from '../../../proto/gen/automed/classification/v1/ClassifyStreamRequest';
import { bidi, unary, type CallContext } from '../../common/grpc/handlers';
import { serveSeries, type SeriesAnswer } from '../../common/grpc/series';
import type { Lease } from '../../common/inference';
import type { Logger } from '../../common/logging';
import { checkPriority } from '../../common/priority';
import { openImage, type ImageIntake } from '../../imaging/image-input';
import { classifyImage, type ClassifyCommand } from '../domain/classify-image';
import type { ClassificationModel, ClassificationModels } from '../domain/ports';
import { toResponse } from './messages';

export interface ClassificationDeps {
  models: ClassificationModels;
  intake: ImageIntake;
  log: Logger;
  /** Images of one stream under way at once. */
  streamImagesInFlight: number;
}

export function classificationHandlers(deps: ClassificationDeps): UntypedServiceImplementation {
  const acquire = async (reference: string, context: CallContext): Promise<Lease<ClassificationModel>> => {
    const lease = await deps.models.acquire(reference);
    context.setModel(`${lease.model.identity.name}@${lease.model.identity.version}`);
    return lease;
  };
  const answer = async (
    model: ClassificationModel,
    command: ClassifyCommand,
    started: number,
  ): Promise<ClassifyResponse> => {
    const classified = await classifyImage(model, command, deps.intake.memory);
    return toResponse(classified, performance.now() - started);
  };
  return {
    Classify: unary(deps.log, async (request: ClassifyRequest__Output, context) => {
      const started = performance.now();
      const command = await toCommand(request, deps.intake, context);
      const lease = await acquire(request.model, context);
      return answer(lease.model, command, started).finally(() => lease.release());
    }),
    ClassifyStream: bidi<ClassifyStreamRequest__Output, SeriesAnswer<ClassifyResponse>>(deps.log, (call, context) =>
      serveSeries(call, context, {
        maxInFlight: deps.streamImagesInFlight,
        prepare: (request) => toCommand(request, deps.intake, context),
        acquire: (reference) => acquire(reference, context),
        answer: (model, command) => answer(model, command, performance.now()),
      }),
    ),
  };
}

/** All of a request that can be checked without its model. @throws InvalidInputError that names the field */
async function toCommand(
  request: ClassifyRequest__Output,
  intake: ImageIntake,
  context: CallContext,
): Promise<ClassifyCommand> {
  const priority = checkPriority(request.priority);
  return {
    image: await openImage(request.image, intake),
    options: () => ({ priority, timeoutMs: context.remainingMs(), signal: context.signal }),
  };
}
