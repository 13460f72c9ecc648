// Samples of data sets as messages of the API.

import type { ReadDatasetSampleResponse } from '../../../proto/gen/automed/datasets/v1/ReadDatasetSampleResponse';
import { areaOf, parseRuns } from '../../common/coco-rle';
import type { ReadSample } from '../domain/datasets/samples';

export function toReadSample(read: ReadSample): ReadDatasetSampleResponse {
  const { sample, encoded, frameNumber, displayPng, masks, problem } = read;
  return {
    sample,
    image: { encoded, ...(frameNumber === undefined ? {} : { frameNumber }) },
    displayPng,
    masks: masks.map((mask) => ({
      ...mask,
      areaPx: String(areaOf(parseRuns(mask.cocoRle, mask.widthPx * mask.heightPx))),
    })),
    problem,
  };
}
