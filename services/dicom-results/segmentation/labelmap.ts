// Label Map Segmentation Storage (PS3.3 A.51, Supplement 243): a frame for each image on which anything was drawn, whose pixels are segment
// numbers. Smaller than a binary one of many structures; for receivers that take it.

import { checkMasks, checkSeries } from '../content/checks';
import { contentDigest, drawnFrames, lookedAt, type DrawnFrame } from '../content/drawn-frames';
import { setWhere } from '../content/pixels';
import { termsOf } from '../content/terms';
import { ResultError } from '../errors';
import { resultObject, seriesUidOf } from '../shared/object';
import type { DrawnMasks, ResultContext, ResultObject } from '../types';
import type { Elements } from '../write/elements';
import { frameDimensions } from './dimensions';
import { derivation, frameContent, functionalGroups } from './functional-groups';
import { imageElements, LABELMAP_SERIES_NUMBER } from './image-elements';
import { overlap } from './overlap';
import { backgroundItem, segmentItems } from './segments';

export const LABELMAP_STORAGE = '1.2.840.10008.5.1.4.1.1.66.7';
/** Segment numbers of 8 bits. */
const MAX_SEGMENTS = 255;

interface LabelFrame {
  frame: DrawnFrame;
  labels: Uint8Array;
}

/** Labels of each source on which anything was drawn, in the order of the sources. */
function labelFrames(drawn: readonly DrawnFrame[]): LabelFrame[] {
  const frames = new Map<number, LabelFrame>();
  for (const frame of drawn) {
    const found = frames.get(frame.at) ?? { frame, labels: new Uint8Array(frame.mask.length) };
    frames.set(frame.at, found);
    setWhere(frame.mask, found.labels, frame.segment);
  }
  return [...frames.values()].toSorted((a, b) => a.frame.at - b.frame.at);
}

const pixelElements = (frames: readonly LabelFrame[]): Elements => ({
  '00280100': ['US', [8]],
  '00280101': ['US', [8]],
  '00280102': ['US', [7]],
  '00280120': ['US', [0]],
  '7fe00010': ['OB', Buffer.concat(frames.map(({ labels }) => labels))],
});

/**
 * Sparse, as segmentationObject() is.
 * @returns nothing where nothing was drawn at all
 * @throws ResultError (ENCODING) where structures overlap, or are more than 255; TERMS, CONTENT, SOURCE
 */
export function labelmapObject(context: ResultContext, masks: DrawnMasks): ResultObject | undefined {
  const { model, series } = context;
  const [first] = checkSeries(series);
  checkMasks(series, masks);
  const names = masks.structures.map(({ name }) => name);
  const terms = termsOf(model, names);
  if (names.length > MAX_SEGMENTS)
    throw new ResultError('ENCODING', `A label map holds at most ${MAX_SEGMENTS} structures.`);
  const sources = lookedAt(series, masks);
  const drawn = drawnFrames(sources, masks);
  if (drawn.length === 0) return undefined;
  if (overlap(drawn)) throw new ResultError('ENCODING', 'Structures overlap: a label map cannot hold them.');
  const frames = labelFrames(drawn);
  const dimensions = frameDimensions(sources, seriesUidOf(context, 'labelmap', first.seriesUid), false);
  const groups = functionalGroups(sources);
  return resultObject(context, first, {
    kind: 'labelmap',
    sopClassUid: LABELMAP_STORAGE,
    modality: 'SEG',
    seriesNumber: LABELMAP_SERIES_NUMBER,
    title: 'Label map',
    digest: contentDigest(sources, drawn, names),
    elements: {
      ...imageElements(context, sources, frames.length),
      ...dimensions.elements,
      ...pixelElements(frames),
      '00620001': ['CS', 'LABELMAP'],
      '00620002': ['SQ', [backgroundItem(model), ...segmentItems(context, first.seriesUid, terms)]],
      '00620013': ['CS', 'NO'],
      '52009229': ['SQ', [groups.shared]],
      '52009230': [
        'SQ',
        frames.map(({ frame }) => ({
          ...derivation(frame.source),
          ...frameContent(dimensions, frame),
          ...groups.placeOf(frame.source),
        })),
      ],
    },
  });
}
