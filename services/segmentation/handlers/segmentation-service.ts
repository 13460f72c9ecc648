import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { SegmentRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import type { SegmentResponse } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import type { SegmentStreamRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentStreamRequest';
import { bidi, unary, type CallContext } from '../../common/grpc/handlers';
import { serveSeries, type SeriesAnswer } from '../../common/grpc/series';
import type { Lease } from '../../common/inference';
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

export function segmentationHandlers(deps: SegmentationDeps): UntypedServiceImplementation {
  const acquire = async (reference: string, context: CallContext): Promise<Lease<SegmentationModel>> => {
    const lease = await deps.models.acquire(reference);
    context.setModel(`${lease.model.identity.name}@${lease.model.identity.version}`);
    return lease;
  };
  const answer = async (
    model: SegmentationModel,
    command: SegmentCommand,
    started: number,
  ): Promise<SegmentResponse> => {
    const segmented = await segmentImage(model, command, deps.intake.memory);
    return toResponse(segmented, performance.now() - started);
  };
  return {
    Segment: unary(deps.log, async (request: SegmentRequest__Output, context) => {
      const started = performance.now();
      const command = await toCommand(request, deps.intake, context);
      const lease = await acquire(request.model, context);
      return answer(lease.model, command, started).finally(() => lease.release());
    }),
    SegmentStream: bidi<SegmentStreamRequest__Output, SeriesAnswer<SegmentResponse>>(deps.log, (call, context) =>
      serveSeries(call, context, {
        maxInFlight: deps.streamImagesInFlight,
        prepare: (request) => toCommand(request, deps.intake, context),
        acquire: (reference) => acquire(reference, context),
        answer: (model, command) => answer(model, command, performance.now()),
      }),
    ),
  };
}
