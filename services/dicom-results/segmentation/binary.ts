// DICOM Segmentation Storage, BINARY (PS3.3 A.51): a frame for each segment and image on which it was drawn, one bit a pixel.

import { checkMasks, checkSeries } from '../content/checks';
import { contentDigest, drawnFrames, lookedAt, type DrawnFrame } from '../content/drawn-frames';
import { packInto } from '../content/pixels';
import { termsOf } from '../content/terms';
import { resultObject, seriesUidOf } from '../shared/object';
import type { DrawnMasks, ResultContext, ResultObject } from '../types';
import type { Elements } from '../write/elements';
import { frameDimensions } from './dimensions';
import { derivation, frameContent, functionalGroups, segmentGroup } from './functional-groups';
import { imageElements, SERIES_NUMBER } from './image-elements';
import { overlap } from './overlap';
import { segmentItems } from './segments';

export const SEGMENTATION_STORAGE = '1.2.840.10008.5.1.4.1.1.66.4';

/** One bit a pixel, the least significant first, frame after frame without filling (PS3.5 8.1.1). */
export function packFrames(frames: readonly Uint8Array[], pixels: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil((frames.length * pixels) / 8));
  frames.forEach((mask, frame) => {
    packInto(bytes, mask, frame * pixels);
  });
  return bytes;
}

const pixelElements = (drawn: readonly DrawnFrame[], pixels: number): Elements => ({
  '00280100': ['US', [1]],
  '00280101': ['US', [1]],
  '00280102': ['US', [0]],
  '7fe00010': [
    'OB',
    packFrames(
      drawn.map(({ mask }) => mask),
      pixels,
    ),
  ],
});

/**
 * Sparse: images on which nothing was drawn are named as looked at and have no frame. Without a place in the patient (CR, DX, US)
 * frames say which image they are of, and nothing of space.
 * @returns nothing where nothing was drawn at all
 * @throws ResultError (TERMS, CONTENT, SOURCE)
 */
export function segmentationObject(context: ResultContext, masks: DrawnMasks): ResultObject | undefined {
  const { model, series } = context;
  const [first] = checkSeries(series);
  checkMasks(series, masks);
  const names = masks.structures.map(({ name }) => name);
  const terms = termsOf(model, names);
  const sources = lookedAt(series, masks);
  const drawn = drawnFrames(sources, masks);
  const [source] = sources;
  if (drawn.length === 0 || !source) return undefined;
  const { rows, columns } = source.image;
  const dimensions = frameDimensions(sources, seriesUidOf(context, 'segmentation', first.seriesUid));
  const groups = functionalGroups(sources);
  return resultObject(context, first, {
    kind: 'segmentation',
    sopClassUid: SEGMENTATION_STORAGE,
    modality: 'SEG',
    seriesNumber: SERIES_NUMBER,
    title: 'Segmentation',
    digest: contentDigest(sources, drawn, names),
    elements: {
      ...imageElements(context, sources, drawn.length),
      ...dimensions.elements,
      ...pixelElements(drawn, rows * columns),
      '00620001': ['CS', 'BINARY'],
      '00620002': ['SQ', segmentItems(context, first.seriesUid, terms)],
      '00620013': ['CS', overlap(drawn) ? 'YES' : 'NO'],
      '52009229': ['SQ', [groups.shared]],
      '52009230': [
        'SQ',
        drawn.map((frame) => ({
          ...derivation(frame.source),
          ...frameContent(dimensions, frame),
          ...groups.placeOf(frame.source),
          ...segmentGroup(frame.segment),
        })),
      ],
    },
  });
}
