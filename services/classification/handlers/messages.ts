// Between the API's messages and the domain's words.

import type { ClassifyRequest__Output } from '../../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { Saliency } from '../../../proto/gen/automed/classification/v1/Saliency';
import { modelInfo, timings } from '../../common/grpc/answer';
import type { CallContext } from '../../common/grpc/handlers';
import { runOptions } from '../../common/grpc/run-options';
import { openImage, type ImageIntake } from '../../imaging/image-input';
import { dicomFrame, toPlacement } from '../../imaging/image-messages';
import type { ClassifiedImage, ClassifyCommand } from '../domain/classify-image';

/**
 * All of a request that can be checked without its model. ClassifyRequest and ClassifyStreamRequest have the same fields.
 * @throws InvalidInputError that names the field
 */
export async function toCommand(
  { image, priority, saliency }: ClassifyRequest__Output,
  intake: ImageIntake,
  context: CallContext,
): Promise<ClassifyCommand> {
  const options = runOptions(priority, context);
  return { image: await openImage(image, intake), saliency: saliency ?? undefined, options };
}

export function toResponse(classified: ClassifiedImage, totalMs: number): ClassifyResponse {
  return {
    predictedClass: classified.predicted,
    probabilities: classified.classes.map(({ name, probability }) => ({ className: name, probability })),
    model: modelInfo(classified.identity),
    timings: timings(classified.timings, { ...classified.timings, totalMs }),
    ...dicomFrame(classified.facts),
    ...(classified.saliency ? { saliency: toSaliency(classified.saliency) } : {}),
  };
}

function toSaliency({ className, map, rows, columns, placement }: NonNullable<ClassifiedImage['saliency']>): Saliency {
  const data = Buffer.from(map.buffer, map.byteOffset, map.byteLength);
  return {
    className,
    map: { data, shape: [rows, columns], type: 'TENSOR_TYPE_FLOAT32' },
    placement: toPlacement(placement),
  };
}
