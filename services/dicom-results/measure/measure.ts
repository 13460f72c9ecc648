// Sizes of what was drawn, as reports give them.

import { nameOf, type LookedAt } from '../content/drawn-frames';
import { countOf } from '../content/pixels';
import { cross, dot, type Vector } from '../source/vectors';
import type { DrawnMasks } from '../types';
import { diameterOf } from './diameter';

/** Of one structure on one frame. */
export interface FrameSize {
  source: LookedAt;
  pixels: number;
  /** In mm2 and mm where the size of pixels in the patient is known, otherwise in pixels. */
  area: number;
  diameter: number;
  inMm: boolean;
}

export interface StructureSize {
  name: string;
  probability: number | undefined;
  /** Frames on which it was drawn, in the order of the sources. */
  frames: readonly FrameSize[];
  /** In mm3; absent where the frames are no stack of several slices. */
  volume: number | undefined;
}

/** mm3 of a voxel of a stack. */
function voxelOf({ affine, frames }: DrawnMasks): number | undefined {
  if (!affine || frames.length < 2) return undefined;
  const column = (at: number): Vector => [affine[at] ?? 0, affine[4 + at] ?? 0, affine[8 + at] ?? 0];
  return Math.abs(dot(column(2), cross(column(0), column(1))));
}

/**
 * Area and largest diameter on each frame, and the volume of a stack: pixels and voxels counted, diameters from outer corner to outer
 * corner of pixels.
 */
export function sizesOf(sources: readonly LookedAt[], masks: DrawnMasks): StructureSize[] {
  const sliceOf = new Map(masks.frames.map((reference, slice) => [nameOf(reference), slice]));
  const voxel = voxelOf(masks);
  return masks.structures.map(({ name, probability, slices }) => {
    const frames = sources.flatMap((source): FrameSize[] => {
      const mask = slices[sliceOf.get(nameOf(source.reference)) ?? -1];
      if (!mask?.includes(1)) return [];
      const known = source.plane?.spacing ?? source.image.spacing;
      const [rows, columns] = known ?? [1, 1];
      const pixels = countOf(mask);
      const diameter = diameterOf(mask, source.image.columns, rows, columns);
      return [{ source, pixels, area: pixels * rows * columns, diameter, inMm: known !== undefined }];
    });
    const voxels = frames.reduce((sum, { pixels }) => sum + pixels, 0);
    return { name, probability, frames, volume: voxel === undefined ? undefined : voxels * voxel };
  });
}
