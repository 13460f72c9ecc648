// Proof, before it is sent, that an object shows its segments where the model drew them: read back from its bytes, and compared with the
// masks by their own affine, which the object was not written from.

import { checkMasks, checkSeries, imageOf } from '../content/checks';
import { nameOf } from '../content/drawn-frames';
import { ResultError } from '../errors';
import { placed } from '../source/stack';
import { cross, dot, length, minus, plus, times, type Vector } from '../source/vectors';
import type { DrawnMasks, FrameReference, ResultContext, SourceImage } from '../types';
import { Moments } from './moments';
import { readSegments, type ShownFrame, type ShownSegments } from './read-segments';

export interface ProvenSegment {
  name: string;
  /** In mm in the patient; without a place there, in pixels of the frames: column, row, and place among them. Absent: not drawn. */
  centroid: Vector | undefined;
  /** In mm3, single slices taken to be 1 mm thick; without a place in the patient, in pixels. */
  volume: number;
}

/** Shares of a voxel by which centroids may differ, and of a volume: rounding in decimal strings is far less, any shift more. */
const CENTROID_TOLERANCE = 0.1;
const VOLUME_TOLERANCE = 1e-3;

const column = (affine: readonly number[], at: number): Vector => [
  affine[at] ?? 0,
  affine[4 + at] ?? 0,
  affine[8 + at] ?? 0,
];

/** Where masks say that they are: by their affine, or else by the frames that they were drawn on. */
interface Placement {
  /** Of slice k of the masks. */
  expected: (slice: number) => { at: (column: number, row: number) => Vector; voxel: number };
  /** Of a frame of the object, by what it says itself. */
  shown: (frame: ShownFrame) => { at: (column: number, row: number) => Vector; voxel: number };
  /** Shortest edge of a voxel. */
  edge: number;
}

/** By the masks' affine, and by the planes in the object. */
function inPatient(affine: readonly number[], slices: number, { step }: ShownSegments): Placement {
  const [x, y, z] = [column(affine, 0), column(affine, 1), column(affine, 2)];
  const thickness = slices > 1 ? Math.abs(dot(z, cross(x, y))) / length(cross(x, y)) : 1;
  const voxel = length(cross(x, y)) * thickness;
  return {
    edge: Math.min(length(x), length(y), slices > 1 ? thickness : Infinity),
    expected: (slice) => ({ at: (col, row) => placed(affine, [col, row, slice]), voxel }),
    shown: ({ plane }) => {
      if (!plane?.spacing) throw new ResultError('GEOMETRY', 'A frame of the object does not say where it lies.');
      const { position, across, down, spacing } = plane;
      return {
        at: (col, row) => plus(position, plus(times(across, col * spacing[1]), times(down, row * spacing[0]))),
        voxel: spacing[0] * spacing[1] * (slices > 1 ? (step ?? NaN) : 1),
      };
    },
  };
}

/** By the frames' names alone. */
function onFrames({ frames }: DrawnMasks): Placement {
  const sliceOf = new Map(frames.map((reference, slice) => [nameOf(reference), slice]));
  const onSlice = (slice: number) => ({ at: (col: number, row: number): Vector => [col, row, slice], voxel: 1 });
  return { edge: 1, expected: onSlice, shown: ({ reference }) => onSlice(sliceOf.get(nameOf(reference)) ?? NaN) };
}

const shownVector = (vector: Vector | undefined): string =>
  vector ? `(${vector.map((value) => Number(value.toFixed(3))).join(', ')})` : 'nowhere';

/** @throws ResultError (GEOMETRY) unless a frame lies where the image that it names lies */
function checkBound(
  series: readonly SourceImage[],
  { rows, columns }: ShownSegments,
  { reference, plane }: ShownFrame,
): void {
  const image = imageOf(series, reference);
  if (image.rows !== rows || image.columns !== columns) {
    throw new ResultError(
      'GEOMETRY',
      `The object is ${columns} x ${rows}, its source ${image.columns} x ${image.rows}.`,
    );
  }
  const own = image.planes[reference.frame - 1];
  if (!plane || !own) return;
  const edge = Math.min(...(own.spacing ?? image.spacing ?? [1]));
  const away = length(minus(plane.position, own.position));
  const turned = length(minus(plane.across, own.across)) + length(minus(plane.down, own.down));
  if (away > CENTROID_TOLERANCE * edge || turned > CENTROID_TOLERANCE / Math.max(rows, columns)) {
    throw new ResultError(
      'GEOMETRY',
      `A frame of the object lies elsewhere than the image ${nameOf(reference)} that it names: ${Number(away.toFixed(3))} mm away.`,
    );
  }
}

/**
 * Three corners of every frame against those of the slice that was drawn on the image it names: also what is symmetric may lie the wrong
 * way round.
 * @throws ResultError (GEOMETRY)
 */
function checkCorners(
  { frames, rows, columns }: ShownSegments,
  masks: DrawnMasks,
  { expected, shown, edge }: Placement,
): void {
  const sliceOf = new Map(masks.frames.map((reference, slice) => [nameOf(reference), slice]));
  for (const frame of frames) {
    const wanted = expected(sliceOf.get(nameOf(frame.reference)) ?? NaN);
    const found = shown(frame);
    const corners = [[0, 0] as const, [columns, 0] as const, [0, rows] as const];
    const away = Math.max(...corners.map(([x, y]) => length(minus(wanted.at(x, y), found.at(x, y)))));
    if (away <= 2 * CENTROID_TOLERANCE * edge) continue;
    throw new ResultError(
      'GEOMETRY',
      `The frame on image ${nameOf(frame.reference)} lies ${Number(away.toFixed(3))} mm beside the slice of the mask by its affine.`,
    );
  }
}

/** @throws ResultError (GEOMETRY) unless every slice of a structure is shown pixel by pixel on the frame that it was drawn on */
function checkPixels(
  segments: ShownSegments,
  { frames }: DrawnMasks,
  slices: readonly (Uint8Array | undefined)[],
  segment: number,
): void {
  const sliceOf = new Map(frames.map((reference, slice) => [nameOf(reference), slice]));
  const left = new Set(slices.flatMap((mask, slice) => (mask?.includes(1) ? [slice] : [])));
  for (const frame of framesOf(segments, segment)) {
    const slice = sliceOf.get(nameOf(frame.reference));
    const drawn = slice === undefined ? undefined : slices[slice];
    const shown = frame.maskOf(segment);
    const equal = drawn ? Buffer.compare(shown, drawn) === 0 : !shown.includes(1);
    if (!equal) throw misplaced(frame.reference, segment, 'other pixels than were drawn');
    if (slice !== undefined) left.delete(slice);
  }
  const [lost] = [...left].flatMap((slice) => frames[slice] ?? []);
  if (lost) throw misplaced(lost, segment, 'nothing of what was drawn');
}

const misplaced = (reference: FrameReference, segment: number, what: string): ResultError =>
  new ResultError('GEOMETRY', `On image ${nameOf(reference)} segment ${segment} of the object shows ${what}.`);

const framesOf = ({ frames }: ShownSegments, segment: number): ShownFrame[] =>
  frames.filter((frame) => frame.segment === undefined || frame.segment === segment);

function compare(name: string, expected: Moments, shown: Moments, edge: number): ProvenSegment {
  const [wanted, found] = [expected.centroid, shown.centroid];
  const away = wanted && found ? length(minus(wanted, found)) : wanted === found ? 0 : Infinity;
  if (!(away <= CENTROID_TOLERANCE * edge)) {
    throw new ResultError(
      'GEOMETRY',
      `The centroid of "${name}" is ${shownVector(found)} in the object and ${shownVector(wanted)} by the mask's affine.`,
    );
  }
  const difference = Math.abs(shown.volume - expected.volume);
  if (!(difference <= VOLUME_TOLERANCE * expected.volume)) {
    throw new ResultError(
      'GEOMETRY',
      `The volume of "${name}" is ${shown.volume.toFixed(3)} mm3 in the object and ${expected.volume.toFixed(3)} mm3 by the mask's affine.`,
    );
  }
  return { name, centroid: found, volume: shown.volume };
}

/**
 * Reads a segmentation or label map back and compares it with what was drawn: centroid and volume of each segment by the masks' affine, the
 * place of each frame with that of the image that it names, and every pixel.
 * @param bytes what will be sent
 * @returns what a receiver of the object measures
 * @throws ResultError (GEOMETRY) at the first difference; also those of segmentationObject() for other content
 */
export function proveGeometry(
  bytes: Uint8Array,
  { series }: Pick<ResultContext, 'series'>,
  masks: DrawnMasks,
): ProvenSegment[] {
  checkSeries(series);
  checkMasks(series, masks);
  const segments = readSegments(bytes);
  const { frames, structures, affine } = masks;
  if (segments.numbers.length !== structures.length || segments.numbers.some((number, at) => number !== at + 1)) {
    throw new ResultError(
      'GEOMETRY',
      `The object has ${segments.numbers.length} segments, the masks ${structures.length}.`,
    );
  }
  const placement = affine ? inPatient(affine, frames.length, segments) : onFrames(masks);
  const proven = structures.map(({ name, slices }, at) => {
    const [expected, shown] = [new Moments(), new Moments()];
    slices.forEach((mask, slice) => {
      const { at: place, voxel } = placement.expected(slice);
      if (mask) expected.add(mask, segments.columns, place, voxel);
    });
    for (const frame of framesOf(segments, at + 1)) {
      const { at: place, voxel } = placement.shown(frame);
      shown.add(frame.maskOf(at + 1), segments.columns, place, voxel);
    }
    return compare(name, expected, shown, placement.edge);
  });
  for (const frame of segments.frames) checkBound(series, segments, frame);
  checkCorners(segments, masks, placement);
  structures.forEach(({ slices }, at) => {
    checkPixels(segments, masks, slices, at + 1);
  });
  return proven;
}
