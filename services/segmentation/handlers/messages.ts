// Between the API's messages and the domain's words.

import type { Mask } from '../../../proto/gen/automed/common/v1/Mask';
import type { SegmentRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import type { SegmentResponse } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { automedError } from '../../common/errors';
import { modelInfo, timings } from '../../common/grpc/answer';
import type { CallContext } from '../../common/grpc/handlers';
import { runOptions } from '../../common/grpc/run-options';
import { openImage, type ImageIntake } from '../../imaging/image-input';
import { dicomFrame } from '../../imaging/image-messages';
import type { MaskEncoding } from '../domain/mask-encoding';
import { checkThreshold, type AnsweredMask, type SegmentCommand, type SegmentedImage } from '../domain/segment-image';

const ENCODINGS: Readonly<Record<string, MaskEncoding>> = {
  MASK_FORMAT_UNSPECIFIED: 'png',
  MASK_FORMAT_PNG: 'png',
  MASK_FORMAT_COCO_RLE: 'coco-rle',
  MASK_FORMAT_PACKED_BITS: 'packed-bits',
};

export function toEncoding(maskFormat: string): MaskEncoding {
  const encoding = ENCODINGS[maskFormat];
  if (encoding) return encoding;
  throw automedError('INVALID_ARGUMENT', `The mask format ${maskFormat} is not known.`, { field: 'mask_format' });
}

/**
 * All of a request that can be checked without its model. SegmentRequest and SegmentStreamRequest have the same fields.
 * @throws InvalidInputError that names the field
 */
export async function toCommand(
  request: SegmentRequest__Output,
  intake: ImageIntake,
  context: CallContext,
): Promise<SegmentCommand> {
  const encoding = toEncoding(request.maskFormat);
  const options = runOptions(request.priority, context);
  const threshold = checkThreshold(request.threshold);
  return {
    image: await openImage(request.image, intake),
    threshold,
    encoding,
    probabilities: request.probabilities,
    options,
  };
}

export function toResponse(segmented: SegmentedImage, totalMs: number): SegmentResponse {
  return {
    masks: segmented.masks.map(toMask),
    threshold: segmented.threshold,
    model: modelInfo(segmented.identity),
    timings: timings(segmented.timings, { ...segmented.timings, totalMs }),
    ...dicomFrame(segmented.facts),
  };
}

export function toMask({ drawn, encoded, areaMm2, structure, probabilityPng }: AnsweredMask): Mask {
  const { encoding: _encoding, ...data } = encoded;
  const mask: Mask = { ...data, widthPx: drawn.width, heightPx: drawn.height, areaPx: drawn.areaPx, structure };
  if (probabilityPng !== undefined) mask.probabilityPng = probabilityPng;
  if (areaMm2 !== undefined) mask.areaMm2 = areaMm2;
  if (drawn.meanProbability !== null) mask.meanForegroundProbability = drawn.meanProbability;
  if (drawn.boundingBox) {
    const [xPx, yPx, widthPx, heightPx] = drawn.boundingBox;
    mask.boundingBox = { xPx, yPx, widthPx, heightPx };
  }
  return mask;
}
