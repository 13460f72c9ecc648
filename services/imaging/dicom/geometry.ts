// Where the pixels of a frame lie in the patient, and how the grid of a segmentation falls on that of its image
// (PS3.3 A.51.5.1, C.7.6.2, C.7.6.16.2.2 to .4).

import type { DataSet } from 'dicom-parser';
import { DicomError } from './errors';

type Vector = readonly [number, number, number];

export interface Size {
  width: number;
  height: number;
}

/** Millimetres in the coordinates of the patient. */
export interface Plane {
  /** Centre of the first pixel. */
  position: Vector;
  /** Unit vectors along a row, and down a column. */
  across: Vector;
  down: Vector;
  /** From row to row, and from column to column; absent where the header does not say it. */
  spacing?: readonly [number, number];
}

export interface Grid extends Size {
  plane: Plane;
}

const SHARED_GROUPS = 'x52009229';
const PER_FRAME_GROUPS = 'x52009230';
/** Pixels by which grids may miss each other: rounding of decimal strings is far less, any real shift more. */
const TOLERANCE = 0.1;
/** Of the length of unit vectors and the cosine of their angle. */
const UNIT_TOLERANCE = 0.01;

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** The numbers of an element; nothing where one is none, or their count is another. */
function numbers(place: DataSet | undefined, tag: string, count: number): number[] | undefined {
  const values = place?.string(tag)?.split('\\').map(parseFloat) ?? [];
  return values.length === count && values.every(Number.isFinite) ? values : undefined;
}

function unit(values: readonly number[]): Vector | undefined {
  const vector: Vector = [values[0] ?? 0, values[1] ?? 0, values[2] ?? 0];
  const length = Math.sqrt(dot(vector, vector));
  return Math.abs(length - 1) < UNIT_TOLERANCE ? times(vector, 1 / length) : undefined;
}

/** The plane of a frame (from 0), from its functional groups, the shared ones, or the data set itself. */
export function planeOf(dataSet: DataSet, frame: number): Plane | undefined {
  const own = dataSet.elements[PER_FRAME_GROUPS]?.items?.[frame]?.dataSet;
  const shared = dataSet.elements[SHARED_GROUPS]?.items?.[0]?.dataSet;
  const find = (group: string, tag: string, count: number): number[] | undefined => {
    const inside = [own, shared].map((groups) => groups?.elements[group]?.items?.[0]?.dataSet);
    return [...inside, dataSet].map((place) => numbers(place, tag, count)).find((values) => values !== undefined);
  };
  const position = find('x00209113', 'x00200032', 3);
  const orientation = find('x00209116', 'x00200037', 6);
  const across = orientation && unit(orientation.slice(0, 3));
  const down = orientation && unit(orientation.slice(3));
  if (!position || !across || !down || Math.abs(dot(across, down)) > UNIT_TOLERANCE) return undefined;
  const [rows = 0, columns = 0] = find('x00289110', 'x00280030', 2) ?? [];
  return {
    position: [position[0] ?? 0, position[1] ?? 0, position[2] ?? 0],
    across,
    down,
    ...(rows > 0 && columns > 0 ? { spacing: [rows, columns] as const } : {}),
  };
}

/** Whether planes lie beside each other, as slices of one series do. */
export function areSlices(a: Plane, b: Plane): boolean {
  const normal = cross(a.across, a.down);
  const parallel = Math.abs(dot(normal, cross(b.across, b.down))) > 1 - UNIT_TOLERANCE ** 2;
  return parallel && Math.abs(dot(minus(a.position, b.position), normal)) > TOLERANCE * Math.min(...(b.spacing ?? [1]));
}

function refused(why: string): DicomError {
  return new DicomError(
    'GEOMETRY',
    `The grid of the DICOM segmentation does not fall on the pixels of its image: ${why}.`,
  );
}

const shown = (values: readonly number[]): string => values.map((value) => Number(value.toFixed(3))).join(' x ');

/** One coordinate of a segmentation's pixel for a pixel of the image, both from 0: floor((at + x * byX + y * byY) / share). */
interface Axis {
  at: number;
  byX: number;
  byY: number;
  /** Pixels of the image to one of the segmentation, along this axis. */
  share: number;
}

/**
 * @param first pixel of the segmentation in whose middle the middle of the image's first pixel lies, as a fraction
 * @param steps from pixel to pixel of the image: along a row, and down a column
 */
function axisOf(first: number, steps: readonly [number, number], { width, height }: Size): Axis | undefined {
  const long = Math.max(...steps.map(Math.abs));
  const share = Math.max(1, Math.round(1 / long));
  const [byX, byY] = [Math.round(steps[0] * share), Math.round(steps[1] * share)];
  if (Math.abs(byX) + Math.abs(byY) !== 1) return undefined;
  const missed = Math.abs(steps[0] - byX / share) * (width - 1) + Math.abs(steps[1] - byY / share) * (height - 1);
  const at = (first + 0.5) * share - 0.5;
  return missed * share <= TOLERANCE && Math.abs(at - Math.round(at)) <= TOLERANCE
    ? { at: Math.round(at), byX, byY, share }
    : undefined;
}

/** Why grids of one plane do not fall on each other. */
function misfit(
  from: Plane,
  to: Plane,
  [rows, columns]: readonly [number, number],
  shift: readonly number[],
): DicomError {
  const cosines = [dot(from.across, to.across), dot(from.across, to.down)].map(Math.abs);
  if (Math.max(...cosines) < 1 - 1e-4) return refused('its rows and columns are turned against those of the image');
  const own = from.spacing ?? [rows, columns];
  if (Math.abs(own[0] - rows) + Math.abs(own[1] - columns) > 1e-3 * (rows + columns)) {
    return refused(`its pixels are ${shown(own)} mm, those of the image ${shown([rows, columns])} mm`);
  }
  return refused(`it is shifted by ${shown(shift)} pixels`);
}

/** Column and row of the segmentation for each pixel of the image. @throws DicomError (GEOMETRY) unless pixels fall on pixels */
function axesOf(from: Grid, to: Grid): { column: Axis; row: Axis } {
  const spacing = to.plane.spacing ?? from.plane.spacing ?? [1, 1];
  const own = from.plane.spacing ?? spacing;
  const off = minus(to.plane.position, from.plane.position);
  const [x, y] = [times(to.plane.across, spacing[1]), times(to.plane.down, spacing[0])];
  if (!to.plane.spacing && !from.plane.spacing && Math.max(...off.map(Math.abs)) > 0) {
    throw refused('it lies elsewhere, and no header says how large pixels are');
  }
  const normal = cross(from.plane.across, from.plane.down);
  const fine = Math.min(...spacing);
  const tilt = Math.max(
    ...[times(x, to.width - 1), times(y, to.height - 1)].map((edge) => Math.abs(dot(edge, normal))),
  );
  if (tilt > TOLERANCE * fine) throw refused('it lies in a plane of another orientation');
  const distance = Math.abs(dot(off, normal));
  if (distance > TOLERANCE * fine) throw refused(`its plane lies ${shown([distance])} mm beside the image's`);
  const along = (axis: Vector, step: number): [number, [number, number]] => [
    dot(off, axis) / step,
    [dot(x, axis) / step, dot(y, axis) / step],
  ];
  const column = axisOf(...along(from.plane.across, own[1]), to);
  const row = axisOf(...along(from.plane.down, own[0]), to);
  if (column && row) return { column, row };
  const shift = [-dot(off, to.plane.across) / spacing[1], -dot(off, to.plane.down) / spacing[0]];
  throw misfit(from.plane, to.plane, spacing, shift);
}

/**
 * Unites what a frame of a segmentation shows into a mask of its image: pixel on pixel where the grids are equal, turned by
 * right angles, flipped, transposed, shifted by whole pixels or cropped, and each of its pixels on as many of the image where
 * they are whole multiples of those.
 * @param values anything but 0 is drawn
 * @throws DicomError (GEOMETRY) where the grids do not fall on each other so
 */
export function drawOn(mask: Uint8Array, image: Grid, values: ArrayLike<number>, from: Grid): void {
  const { column, row } = axesOf(from, image);
  const indexOf = ({ at, byX, byY, share }: Axis, x: number, y: number): number =>
    Math.floor((at + x * byX + y * byY) / share);
  let inside = 0;
  for (let y = 0; y < image.height; y += 1) {
    for (let x = 0; x < image.width; x += 1) {
      const [u, v] = [indexOf(column, x, y), indexOf(row, x, y)];
      if (u < 0 || v < 0 || u >= from.width || v >= from.height) continue;
      inside += 1;
      if (values[v * from.width + u] !== 0) mask[y * image.width + x] = 1;
    }
  }
  if (inside === 0) throw refused('it lies beside the image');
}
