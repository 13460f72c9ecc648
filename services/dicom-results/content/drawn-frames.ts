// The frames of an object: what was drawn of each structure on each frame of the source, in an order that does not depend on how the
// masks came.

import type { Plane } from '../../imaging/dicom/geometry';
import { cross, dot, minus } from '../source/vectors';
import type { DrawnMasks, FrameReference, SourceImage } from '../types';
import { uidOf } from '../write/uids';
import { imageOf } from './checks';

export interface DrawnFrame {
  /** From 1. */
  segment: number;
  /** Place of its source among all frames that were looked at, from 0. */
  at: number;
  source: LookedAt;
  mask: Uint8Array;
}

/** A frame that masks were asked of. */
export interface LookedAt {
  reference: FrameReference;
  image: SourceImage;
  plane: PlacedPlane | undefined;
}

export type PlacedPlane = Plane & { spacing: readonly [number, number] };

function planeOf(image: SourceImage, { frame }: FrameReference): PlacedPlane | undefined {
  const plane = image.planes[frame - 1];
  const spacing = plane?.spacing ?? image.spacing;
  return image.frameOfReferenceUid !== undefined && plane && spacing ? { ...plane, spacing } : undefined;
}

export const nameOf = ({ sopInstanceUid, frame }: FrameReference): string => `${sopInstanceUid} ${frame}`;

const byName = (a: LookedAt, b: LookedAt): number =>
  a.reference.sopInstanceUid === b.reference.sopInstanceUid
    ? a.reference.frame - b.reference.frame
    : a.reference.sopInstanceUid < b.reference.sopInstanceUid
      ? -1
      : 1;

/** All frames that were looked at, along their normal where they lie in the patient, otherwise by their UIDs. */
export function lookedAt(series: readonly SourceImage[], { frames }: DrawnMasks): LookedAt[] {
  const all = frames.map((reference) => {
    const image = imageOf(series, reference);
    return { reference, image, plane: planeOf(image, reference) };
  });
  const sorted = all.toSorted(byName);
  const first = sorted[0]?.plane;
  if (!first || sorted.some(({ plane }) => plane === undefined)) {
    // Either all have a place or none is used.
    return sorted.map(({ reference, image }) => ({ reference, image, plane: undefined }));
  }
  const normal = cross(first.across, first.down);
  const height = ({ plane }: LookedAt): number => (plane ? dot(minus(plane.position, first.position), normal) : 0);
  return sorted.toSorted((a, b) => height(a) - height(b));
}

/** Where something was drawn, segment by segment. */
export function drawnFrames(sources: readonly LookedAt[], { frames, structures }: DrawnMasks): DrawnFrame[] {
  const sliceOf = new Map(frames.map((reference, slice) => [nameOf(reference), slice]));
  return structures.flatMap(({ slices }, structure) =>
    sources.flatMap((source, at) => {
      const mask = slices[sliceOf.get(nameOf(source.reference)) ?? -1];
      return mask?.includes(1) ? [{ segment: structure + 1, at, source, mask }] : [];
    }),
  );
}

/** Tells contents apart: names, frames and pixels, in whatever order they came. */
export function contentDigest(
  sources: readonly LookedAt[],
  drawn: readonly DrawnFrame[],
  names: readonly string[],
): string {
  return uidOf(
    JSON.stringify([names, sources.map(({ reference }) => nameOf(reference))]),
    ...drawn.flatMap(({ segment, source, mask }) => [`${segment} ${nameOf(source.reference)}`, mask]),
  );
}
