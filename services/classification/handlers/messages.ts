import type { ClassifyResponse } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import { modelInfo, timings } from '../../common/grpc/answer';
import { dicomFrame } from '../../imaging/image-messages';
import type { ClassifiedImage } from '../domain/classify-image';

export function toResponse(classified: ClassifiedImage, totalMs: number): ClassifyResponse {
  return {
    predictedClass: classified.predicted,
    probabilities: classified.classes.map(({ name, probability }) => ({ className: name, probability })),
    model: modelInfo(classified.identity),
    timings: timings(classified.timings, { ...classified.timings, totalMs }),
    ...dicomFrame(classified.facts),
  };
}
