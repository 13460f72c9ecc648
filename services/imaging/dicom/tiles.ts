// Frames that are tiles of a slide: where each lies in the pixels of its whole level (PS3.3 C.7.6.17.3, C.8.12.4.1.3,
// C.8.12.6.1), and what a tile of a segmentation shows of one of its image.

import type { DataSet } from 'dicom-parser';
import { DicomError } from './errors';
import type { Size } from './geometry';

/** The pixels of a whole level, which its frames are tiles of. */
export interface PixelMatrix extends Size {
  /** Millimetres from the origin of the slide to the first pixel: along X, and along Y. */
  origin: number[] | undefined;
  /** Direction cosines of rows and columns. */
  orientation: number[] | undefined;
  /** Millimetres from row to row, and from column to column. */
  spacing: number[] | undefined;
}

export interface Tile {
  matrix: PixelMatrix;
  /** Of the tile's first pixel in the matrix, from 0; undefined where the header does not say it. */
  at: { column: number; row: number } | undefined;
}

const SHARED_GROUPS = 'x52009229';
const PER_FRAME_GROUPS = 'x52009230';
/** Of a pixel. */
const TOLERANCE = 0.1;
/** Share of the spacing, which writers round; of equal levels it is a check only. */
const SPACING_TOLERANCE = 0.01;
/** Of direction cosines. */
const COSINE_TOLERANCE = 1e-3;

function item(place: DataSet | undefined, tag: string, at = 0): DataSet | undefined {
  return place?.elements[tag]?.items?.[at]?.dataSet;
}

/** The numbers of a decimal string; nothing where one is none. */
function numbers(place: DataSet | undefined, tag: string): number[] | undefined {
  const values = place?.string(tag)?.split('\\').map(parseFloat) ?? [];
  return values.length > 0 && values.every(Number.isFinite) ? values : undefined;
}

function matrixOf(dataSet: DataSet): PixelMatrix {
  const origin = item(dataSet, 'x00480008');
  const [x, y] = [numbers(origin, 'x0040072a')?.[0], numbers(origin, 'x0040073a')?.[0]];
  const measures =
    item(item(dataSet, SHARED_GROUPS), 'x00289110') ?? item(item(dataSet, PER_FRAME_GROUPS), 'x00289110');
  return {
    width: dataSet.uint32('x00480006') ?? 0,
    height: dataSet.uint32('x00480007') ?? 0,
    origin: x === undefined || y === undefined ? undefined : [x, y],
    orientation: numbers(dataSet, 'x00480102'),
    spacing: numbers(measures, 'x00280030'),
  };
}

/** What the functional groups say of the first pixel of a frame, which they count from 1. */
function statedPlace(position: DataSet): Tile['at'] {
  const [column, row] = [position.int32('x0048021e'), position.int32('x0048021f')];
  return column === undefined || row === undefined ? undefined : { column: column - 1, row: row - 1 };
}

/** Where a frame of a level lies whose tiles are all there, row by row, as often as it has depths, colours or segments. */
function placeInOrder(frame: number, frames: number, { width, height }: PixelMatrix, tile: Size): Tile['at'] {
  const across = Math.ceil(width / tile.width);
  const count = across * Math.ceil(height / tile.height);
  if (count === 0 || frames % count !== 0) return undefined;
  const at = frame % count;
  return { column: (at % across) * tile.width, row: Math.floor(at / across) * tile.height };
}

/** The tiles that the frames of an object are; nothing of one that is no level of a slide. */
export function tilesOf(dataSet: DataSet, frames: number, size: Size): Tile[] | undefined {
  const organization = dataSet.string('x00209311')?.trim() ?? '';
  const groups = Array.from({ length: frames }, (_, frame) => [
    item(dataSet, PER_FRAME_GROUPS, frame),
    item(dataSet, SHARED_GROUPS),
  ]);
  const stated = groups.map((both) => both.map((group) => item(group, 'x0048021a')).find((place) => place));
  const matrix = matrixOf(dataSet);
  const tiled = organization.startsWith('TILED') || stated.some((place) => place) || matrix.width * matrix.height > 0;
  if (!tiled) return undefined;
  const whole = frames === 1 && matrix.width === size.width && matrix.height === size.height;
  return stated.map((place, frame) => {
    if (place) return { matrix, at: statedPlace(place) };
    return {
      matrix,
      at: organization === 'TILED_FULL' || whole ? placeInOrder(frame, frames, matrix, size) : undefined,
    };
  });
}

function refused(why: string): DicomError {
  return new DicomError('GEOMETRY', `The tiles of the DICOM segmentation do not fall on those of its image: ${why}.`);
}

const far = (a: number[] | undefined, b: number[] | undefined, tolerance: number): boolean =>
  a !== undefined && b !== undefined && a.some((value, at) => Math.abs(value - (b[at] ?? Number.NaN)) > tolerance);

/** @throws DicomError (GEOMETRY) unless both are pixels of one level */
function checkMatrices(own: PixelMatrix, image: PixelMatrix): void {
  if (own.width * own.height === 0) throw refused('it does not say of how many pixels its level is');
  if (own.width !== image.width || own.height !== image.height) {
    throw refused(`its level is ${own.width} x ${own.height}, that of the image ${image.width} x ${image.height}`);
  }
  const pixel = Math.min(...(image.spacing ?? own.spacing ?? [0]));
  if (far(own.orientation, image.orientation, COSINE_TOLERANCE)) throw refused('its level is turned');
  if (far(own.origin, image.origin, TOLERANCE * pixel)) throw refused('its level begins elsewhere on the slide');
  if (far(own.spacing, image.spacing, SPACING_TOLERANCE * pixel)) throw refused('its pixels are of another size');
}

/**
 * Where a tile of a segmentation lies on one of its image, in pixels of the image's tile.
 * @returns column and row of its first pixel, which may be negative; nothing where the tiles do not overlap
 * @throws DicomError (GEOMETRY) where the headers do not tell, or tell that both are of other levels
 */
export function tileOffset(
  own: Tile & Size,
  image: { tile?: Tile | undefined } & Size,
): { column: number; row: number } | undefined {
  if (!own.at) throw refused('it does not say where in the slide its frames lie');
  // An image that is no level of a slide can only be one whole.
  const whole: Tile = {
    matrix: { ...own.matrix, width: image.width, height: image.height },
    at: { column: 0, row: 0 },
  };
  const { matrix, at } = image.tile ?? whole;
  checkMatrices(own.matrix, matrix);
  if (!at) throw refused('the image does not say where in the slide its frames lie');
  const [column, row] = [own.at.column - at.column, own.at.row - at.row];
  const beside = column >= image.width || row >= image.height || column + own.width <= 0 || row + own.height <= 0;
  return beside ? undefined : { column, row };
}
