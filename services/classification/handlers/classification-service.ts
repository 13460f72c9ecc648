import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { predictionMethods } from '../../common/grpc/prediction';
import type { Logger } from '../../common/logging';
import type { ImageIntake } from '../../imaging/image-input';
import { classifyImage, type ClassifyCommand } from '../domain/classify-image';
import type { ClassificationModel, ClassificationModels } from '../domain/ports';
import { toCommand, toResponse } from './messages';

export interface ClassificationDeps {
  models: ClassificationModels;
  intake: ImageIntake;
  log: Logger;
  /** Images of one stream under way at once. */
  streamImagesInFlight: number;
}

export function classificationHandlers({ intake, ...deps }: ClassificationDeps): UntypedServiceImplementation {
  const { one, stream } = predictionMethods(deps, {
    prepare: (request: Parameters<typeof toCommand>[0], context) => toCommand(request, intake, context),
    answer: async (model: ClassificationModel, command: ClassifyCommand, started) =>
      toResponse(await classifyImage(model, command, intake.memory), performance.now() - started),
  });
  return { Classify: one, ClassifyStream: stream };
}
