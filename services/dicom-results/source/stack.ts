// The order of a series' slices, by where they lie, and the one affine that places their voxels.

import type { Plane } from '../../imaging/dicom/geometry';
import { ResultError } from '../errors';
import type { FrameReference, SourceImage } from '../types';
import { cross, dot, length, minus, plus, times, type Vector } from './vectors';

export interface Stack {
  /** Ascending along the normal of the slices, which is across x down. */
  frames: readonly FrameReference[];
  /** 4 x 4, row by row: mm in the patient of (column, row, slice). */
  affine: readonly number[];
}

interface Slice {
  reference: FrameReference;
  plane: Plane;
  spacing: readonly [number, number];
  size: string;
}

/** Of a step from slice to slice, and of unit vectors: what rounding in headers does, and less than any gap. */
const STEP_TOLERANCE = 0.01;
/** Share of a step by which a slice may lie beside its place in an even stack: roundings add up. */
const DRIFT_TOLERANCE = 0.1;
const UNIT_TOLERANCE = 1e-3;
const NAMED = 5;

/** Names of slices for people: UIDs of images name no patient. */
function named(slices: readonly Slice[]): string {
  const names = slices
    .slice(0, NAMED)
    .map(({ reference: { sopInstanceUid, frame } }) => `${sopInstanceUid} (frame ${frame})`);
  const more = slices.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function slicesOf(series: readonly SourceImage[]): Slice[] {
  return series.flatMap((image) =>
    image.planes.map((plane, at) => {
      const reference = { sopInstanceUid: image.sopInstanceUid, frame: at + 1 };
      const spacing = plane?.spacing ?? image.spacing;
      if (!plane || !spacing) {
        throw new ResultError('STACK', `Slice ${image.sopInstanceUid} (frame ${at + 1}) does not say where it lies.`);
      }
      return { reference, plane, spacing, size: `${image.columns} x ${image.rows}` };
    }),
  );
}

function checkAlike(slices: readonly Slice[], first: Slice): void {
  const near = (a: Vector, b: Vector): boolean => length(minus(a, b)) < UNIT_TOLERANCE;
  const turned = slices.filter(
    ({ plane }) => !near(plane.across, first.plane.across) || !near(plane.down, first.plane.down),
  );
  if (turned.length > 0) throw new ResultError('STACK', `Slices of another orientation: ${named(turned)}.`);
  const other = slices.filter(
    ({ spacing, size }) =>
      size !== first.size || spacing.some((mm, at) => Math.abs(mm / (first.spacing[at] ?? mm) - 1) > UNIT_TOLERANCE),
  );
  if (other.length > 0) throw new ResultError('STACK', `Slices of another size or pixel spacing: ${named(other)}.`);
}

/** @returns the mean step from slice to slice; of a single slice its unit normal */
function stepOf(sorted: readonly Slice[], normal: Vector): Vector {
  const [first, last] = [sorted[0]?.plane.position, sorted.at(-1)?.plane.position];
  if (!first || !last || sorted.length === 1) return normal;
  const between = sorted.slice(1).map(({ plane }, at) => {
    const before = sorted[at]?.plane.position ?? plane.position;
    return minus(plane.position, before);
  });
  const smallest = Math.min(...between.map((each) => dot(each, normal)));
  const twice = sorted.slice(1).filter((_, at) => length(between[at] ?? normal) < STEP_TOLERANCE);
  if (twice.length > 0) throw new ResultError('STACK', `Slices in one place with another one: ${named(twice)}.`);
  if (smallest < STEP_TOLERANCE) throw new ResultError('STACK', 'Slices of one plane lie beside each other.');
  // Against the usual step, so that a gap is named and not every slice around it.
  const usual = between.toSorted((a, b) => dot(a, normal) - dot(b, normal))[between.length >> 1] ?? normal;
  const uneven = sorted.slice(1).filter((_, at) => {
    const each = between[at] ?? usual;
    return length(minus(each, usual)) > STEP_TOLERANCE * Math.max(1, length(usual));
  });
  if (uneven.length > 0) {
    throw new ResultError('STACK', `Slices at uneven distances, as where some are missing, before: ${named(uneven)}.`);
  }
  const step = times(minus(last, first), 1 / (sorted.length - 1));
  const drifted = sorted.filter(
    ({ plane }, at) => length(minus(plane.position, plus(first, times(step, at)))) > DRIFT_TOLERANCE * length(step),
  );
  if (drifted.length > 0) throw new ResultError('STACK', `Slices beside an even stack: ${named(drifted)}.`);
  return step;
}

/**
 * Sorts the frames of a series by position along their normal.
 * @throws ResultError (STACK), naming slices, where they have no place in the patient, several orientations, sizes or spacings, lie
 * in one place, or at uneven distances. A stack that is sheared by the gantry's tilt is none of these: its affine is sheared, too.
 */
export function stackOf(series: readonly SourceImage[]): Stack {
  const slices = slicesOf(series);
  const [first] = slices;
  if (!first) throw new ResultError('SOURCE', 'A result needs an image.');
  checkAlike(slices, first);
  const { across, down } = first.plane;
  const normal = cross(across, down);
  const sorted = slices.toSorted((a, b) => dot(minus(a.plane.position, b.plane.position), normal));
  const step = stepOf(sorted, normal);
  const [rows, columns] = first.spacing;
  const [x, y] = [times(across, columns), times(down, rows)];
  const origin = sorted[0]?.plane.position ?? first.plane.position;
  const affine = [0, 1, 2].flatMap((axis) => [x[axis] ?? 0, y[axis] ?? 0, step[axis] ?? 0, origin[axis] ?? 0]);
  return { frames: sorted.map(({ reference }) => reference), affine: [...affine, 0, 0, 0, 1] };
}

/** Where a voxel's centre lies, in mm. @param voxel column, row and slice from 0, fractions allowed */
export function placed(affine: readonly number[], [column, row, slice]: Vector): Vector {
  const part = (axis: number): Vector => [affine[axis] ?? 0, affine[4 + axis] ?? 0, affine[8 + axis] ?? 0];
  return plus(plus(times(part(0), column), times(part(1), row)), plus(times(part(2), slice), part(3)));
}
