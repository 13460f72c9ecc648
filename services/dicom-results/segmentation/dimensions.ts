// By what the frames of a segmentation are indexed (PS3.3 C.7.6.17): segment, and place in the patient, or else image and frame of the
// source as stack and place in it: readers look for an index in the functional group itself, where a reference's UID is not.

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
const INSTANCE = { label: 'Stack ID', pointer: '00209056', group: '00209111' };
const FRAME = { label: 'In-Stack Position Number', pointer: '00209057', group: '00209111' };

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

/** Which image and which of its frames a source is, from 1. */
function stackPlace(sources: readonly LookedAt[]): (at: number) => { stack: number; position: number } {
  const instances = [...new Set(sources.map(({ reference }) => reference.sopInstanceUid))].toSorted();
  return (at) => {
    const reference = sources[at]?.reference;
    return { stack: instances.indexOf(reference?.sopInstanceUid ?? '') + 1, position: reference?.frame ?? 0 };
  };
}

const tagNumbers = (tag: string): readonly number[] => [parseInt(tag.slice(0, 4), 16), parseInt(tag.slice(4), 16)];

export interface FrameDimensions {
  /** Of the object. */
  elements: Elements;
  /** Item of Frame Content Sequence. */
  contentOf: (frame: { segment: number; at: number }) => Elements;
}

/** @param withSegments false where a frame holds all segments, as label maps do */
export function frameDimensions(sources: readonly LookedAt[], seriesUid: string, withSegments = true): FrameDimensions {
  const byPosition = placesDiffer(sources);
  const placeOf = stackPlace(sources);
  const dimensions: Dimension[] = byPosition
    ? [{ ...POSITION, indexOf: (at) => at + 1 }]
    : [
        { ...INSTANCE, indexOf: (at) => placeOf(at).stack },
        { ...FRAME, indexOf: (at) => placeOf(at).position },
      ];
  const organization = uidOf('dimensions', seriesUid);
  const items = [...(withSegments ? [SEGMENT] : []), ...dimensions].map(({ label, pointer, group }): Elements => ({
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
    contentOf: ({ segment, at }) => {
      const { stack, position } = placeOf(at);
      return {
        ...(byPosition ? {} : ({ '00209056': ['SH', String(stack)], '00209057': ['UL', [position]] } as const)),
        '00209157': ['UL', [...(withSegments ? [segment] : []), ...dimensions.map(({ indexOf }) => indexOf(at))]],
      };
    },
  };
}
