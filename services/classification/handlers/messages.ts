// Between the API's messages and the domain's words.

import type { ClassifyRequest__Output } from '../../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import { modelInfo, timings } from '../../common/grpc/answer';
import type { CallContext } from '../../common/grpc/handlers';
import { runOptions } from '../../common/grpc/run-options';
import { openImage, type ImageIntake } from '../../imaging/image-input';
import { dicomFrame } from '../../imaging/image-messages';
import type { ClassifiedImage, ClassifyCommand } from '../domain/classify-image';

/**
 * All of a request that can be checked without its model. ClassifyRequest and ClassifyStreamRequest have the same fields.
 * @throws InvalidInputError that names the field
 */
export async function toCommand(
  { image, priority }: ClassifyRequest__Output,
  intake: ImageIntake,
  context: CallContext,
): Promise<ClassifyCommand> {
  const options = runOptions(priority, context);
  return { image: await openImage(image, intake), options };
}

export function toResponse(classified: ClassifiedImage, totalMs: number): ClassifyResponse {
  return {
    predictedClass: classified.predicted,
    probabilities: classified.classes.map(({ name, probability }) => ({ className: name, probability })),
    model: modelInfo(classified.identity),
    timings: timings(classified.timings, { ...classified.timings, totalMs }),
    ...dicomFrame(classified.facts),
  };
}
