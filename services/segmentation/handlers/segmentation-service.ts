import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { predictionMethods } from '../../common/grpc/prediction';
import type { Logger } from '../../common/logging';
import type { ImageIntake } from '../../imaging/image-input';
import type { SegmentationModel, SegmentationModels } from '../domain/ports';
import { segmentImage, type SegmentCommand } from '../domain/segment-image';
import { toCommand, toResponse } from './messages';

export interface SegmentationDeps {
  models: SegmentationModels;
  intake: ImageIntake;
  log: Logger;
  /** Images of one stream under way at once. */
  streamImagesInFlight: number;
}

export function segmentationHandlers({ intake, ...deps }: SegmentationDeps): UntypedServiceImplementation {
  const { one, stream } = predictionMethods(deps, {
    prepare: (request: Parameters<typeof toCommand>[0], context) => toCommand(request, intake, context),
    answer: async (model: SegmentationModel, command: SegmentCommand, started) =>
      toResponse(await segmentImage(model, command, intake.memory), performance.now() - started),
  });
  return { Segment: one, SegmentStream: stream };
}
