// What binary segmentations and label maps have in common as images.

import type { LookedAt } from '../content/drawn-frames';
import { ascii, LONG_STRING } from '../shared/ascii';
import { RESEARCH } from '../shared/identity';
import { referencedSeries } from '../shared/references';
import { chosen } from '../source/carried';
import type { ResultContext, SourceImage } from '../types';
import type { Elements } from '../write/elements';

/** Far from the numbers of scanners. */
export const SERIES_NUMBER = 9001;
export const LABELMAP_SERIES_NUMBER = 9003;

/** Whether the source lost something to compression, and how (PS3.3 C.7.6.1.1.5). */
export function lossyElements({ carried }: SourceImage): Elements {
  const value = carried['00282110']?.[1];
  const lossy = value instanceof Uint8Array && Buffer.from(value).toString('latin1').trim() === '01';
  return lossy ? chosen(carried, '00282110', '00282112', '00282114') : { '00282110': ['CS', '00'] };
}

/** Where an image without place in the patient says how it lies. */
function placeElements(first: SourceImage, placed: boolean): Elements {
  const { carried } = first;
  if (placed) return { '00201040': ['LO', ''], ...chosen(carried, '00200052', '00201040') };
  return { '00200020': ['CS', ''], ...chosen(carried, '00200020') };
}

export function imageElements({ model }: ResultContext, sources: readonly LookedAt[], frames: number): Elements {
  const first = sources[0]?.image;
  if (!first) return {};
  const placed = sources[0]?.plane !== undefined;
  return {
    '00080008': ['CS', 'DERIVED\\PRIMARY'],
    // Not the laterality: of segmentations it is said by codes alone.
    ...chosen(first.carried, '00180015'),
    ...placeElements(first, placed),
    ...referencedSeries(sources.map(({ image }) => image)),
    ...lossyElements(first),
    '00280002': ['US', [1]],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280008': ['IS', String(frames)],
    '00280010': ['US', [first.rows]],
    '00280011': ['US', [first.columns]],
    '00280103': ['US', [0]],
    '00700080': ['CS', 'SEGMENTATION'],
    '00700081': ['LO', ascii(`Drawn by ${model.name} v${model.version}, ${RESEARCH}`, LONG_STRING)],
    '00700084': ['PN', ''],
  };
}
