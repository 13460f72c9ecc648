// What an object of ours shows, as masks again: to write it in another encoding without asking the model.

import { nameOf } from '../content/drawn-frames';
import { ResultError } from '../errors';
import type { DrawnMasks, DrawnStructure } from '../types';
import { readSegments } from './read-segments';

/**
 * @param bytes of a segmentation or label map
 * @param looked all frames that were looked at, with their affine; the object's frames must be among them
 * @param structures in the order of the segment numbers
 * @throws ResultError (GEOMETRY) for an object that shows other segments, or frames that were not looked at
 */
export function readMasks(
  bytes: Uint8Array,
  looked: Pick<DrawnMasks, 'frames' | 'affine'>,
  structures: readonly Pick<DrawnStructure, 'name' | 'probability'>[],
): DrawnMasks {
  const { frames, numbers } = readSegments(bytes);
  if (numbers.length !== structures.length || numbers.some((number, at) => number !== at + 1)) {
    throw new ResultError('GEOMETRY', `The object has ${numbers.length} segments instead of ${structures.length}.`);
  }
  const sliceOf = new Map(looked.frames.map((reference, slice) => [nameOf(reference), slice]));
  const slices = structures.map(() => new Array<Uint8Array | undefined>(looked.frames.length).fill(undefined));
  for (const { reference, segment, maskOf } of frames) {
    const slice = sliceOf.get(nameOf(reference));
    if (slice === undefined) throw new ResultError('GEOMETRY', 'A frame of the object is of no image of the series.');
    const shown = segment === undefined ? numbers : [segment];
    for (const number of shown) {
      const mask = maskOf(number);
      const own = slices[number - 1];
      if (own && mask.includes(1)) own[slice] = mask;
    }
  }
  return { ...looked, structures: structures.map((structure, at) => ({ ...structure, slices: slices[at] ?? [] })) };
}
