import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ClassifyRequest__Output } from '../../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { ClassifyStreamRequest__Output } from '../../../proto/gen/automed/classification/v1/ClassifyStreamRequest';
import { bidi, unary, type CallContext } from '../../common/grpc/handlers';
import { serveSeries, type SeriesAnswer } from '../../common/grpc/series';
import type { Lease } from '../../common/inference';
import type { Logger } from '../../common/logging';
import { checkPriority } from '../../common/priority';
import type { ImageIntake } from '../../imaging/image-input';
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
    request: ClassifyRequest__Output,
    context: CallContext,
    started: number,
  ): Promise<ClassifyResponse> => {
    const classified = await classifyImage(model, toCommand(request, context), deps.intake);
    return toResponse(classified, performance.now() - started);
  };
  return {
    Classify: unary(deps.log, async (request: ClassifyRequest__Output, context) => {
      const started = performance.now();
      const lease = await acquire(request.model, context);
      return answer(lease.model, request, context, started).finally(() => lease.release());
    }),
    ClassifyStream: bidi<ClassifyStreamRequest__Output, SeriesAnswer<ClassifyResponse>>(deps.log, (call, context) =>
      serveSeries(call, context, {
        maxInFlight: deps.streamImagesInFlight,
        acquire: (reference) => acquire(reference, context),
        answer: (model, request) => answer(model, request, context, performance.now()),
      }),
    ),
  };
}

function toCommand(request: ClassifyRequest__Output, context: CallContext): ClassifyCommand {
  const priority = checkPriority(request.priority);
  return {
    image: request.image,
    options: () => ({ priority, timeoutMs: context.remainingMs(), signal: context.signal }),
  };
}
