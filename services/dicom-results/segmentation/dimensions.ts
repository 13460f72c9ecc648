// By what the frames of a segmentation are indexed (PS3.3 C.7.6.17): segment, and place in the patient or else the source's frame.

import type { LookedAt } from '../content/drawn-frames';
import { cross, dot, minus } from '../source/vectors';
import type { Elements } from '../write/elements';
import { uidOf } from '../write/uids';

interface Dimension {
  label: string;
  pointer: string;
  group: string;
  /** Of a source by its place among all that were looked at, from 1. */
  indexOf: (at: number) => number;
}

/** Closer slices are in one place, such as the phases of a heartbeat. */
const SAME_PLACE_MM = 1e-3;

const SEGMENT = { label: 'Segment Number', pointer: '0062000b', group: '0062000a' };
const POSITION = { label: 'Image Position Patient', pointer: '00200032', group: '00209113' };
const INSTANCE = { label: 'Source Image', pointer: '00081155', group: '00089124' };
const FRAME = { label: 'Source Frame', pointer: '00081160', group: '00089124' };

/** Whether positions tell all frames apart: of one orientation, and no two in one plane. */
function placesDiffer(sources: readonly LookedAt[]): boolean {
  const first = sources[0]?.plane;
  if (!first) return false;
  const normal = cross(first.across, first.down);
  return sources.slice(1).every(({ plane }, at) => {
    const before = sources[at]?.plane;
    if (!plane || !before) return false;
    const turned = dot(cross(plane.across, plane.down), normal) < 1 - 1e-6;
    return !turned && dot(minus(plane.position, before.position), normal) > SAME_PLACE_MM;
  });
}

function dimensionsOf(sources: readonly LookedAt[]): Dimension[] {
  if (placesDiffer(sources)) return [{ ...POSITION, indexOf: (at) => at + 1 }];
  const instances = [...new Set(sources.map(({ reference }) => reference.sopInstanceUid))].toSorted();
  const frames = [...new Set(sources.map(({ reference }) => reference.frame))].toSorted((a, b) => a - b);
  return [
    ...(instances.length > 1
      ? [{ ...INSTANCE, indexOf: (at: number) => instances.indexOf(sources[at]?.reference.sopInstanceUid ?? '') + 1 }]
      : []),
    ...(sources.some(({ image }) => image.planes.length > 1)
      ? [{ ...FRAME, indexOf: (at: number) => frames.indexOf(sources[at]?.reference.frame ?? 0) + 1 }]
      : []),
  ];
}

const tagNumbers = (tag: string): readonly number[] => [parseInt(tag.slice(0, 4), 16), parseInt(tag.slice(4), 16)];

export interface FrameDimensions {
  /** Of the object. */
  elements: Elements;
  /** Dimension Index Values of a frame. */
  valuesOf: (frame: { segment: number; at: number }) => number[];
}

/** @param withSegments false where a frame holds all segments, as label maps do */
export function frameDimensions(sources: readonly LookedAt[], seriesUid: string, withSegments = true): FrameDimensions {
  const places = dimensionsOf(sources);
  // An index needs a dimension; a single image is in place 1.
  const alone = !withSegments && places.length === 0 ? [{ ...INSTANCE, indexOf: () => 1 }] : places;
  const organization = uidOf('dimensions', seriesUid);
  const items = [...(withSegments ? [SEGMENT] : []), ...alone].map(({ label, pointer, group }): Elements => ({
    '00209164': ['UI', organization],
    '00209165': ['AT', tagNumbers(pointer)],
    '00209167': ['AT', tagNumbers(group)],
    '00209421': ['LO', label],
  }));
  return {
    elements: {
      '00209221': ['SQ', [{ '00209164': ['UI', organization] }]],
      '00209222': ['SQ', items],
    },
    valuesOf: ({ segment, at }) => [...(withSegments ? [segment] : []), ...alone.map(({ indexOf }) => indexOf(at))],
  };
}
