// How large a pixel of a frame is, and where that was measured (PS3.3 10.7, C.7.6.16.2.1, C.8.5.5, C.8.19.6.4). A radiograph is a
// shadow: on its detector it is larger than what it shows.

import type { DataSet } from 'dicom-parser';
import { placesOf } from './functional-groups';
import { text } from './header';

/**
 * In the patient; in the patient after a calibration; on the detector, which shows what lies before it magnified; on the detector,
 * divided by the estimated magnification; or of the regions of an ultrasound image.
 */
export type SpacingOrigin = 'patient' | 'calibrated' | 'detector' | 'estimated' | 'ultrasound-region';

export interface PixelSize {
  /** From row to row, and from column to column: millimetres, above 0. */
  rowMm: number;
  columnMm: number;
  origin: SpacingOrigin;
}

const PIXEL_MEASURES = 'x00289110';
/** Of enhanced X-ray angiography and fluoroscopy. */
const FRAME_PIXEL_DATA = 'x00289443';
const PIXEL_SPACING = 'x00280030';
const CALIBRATION_TYPE = 'x00280a02';
const IMAGER_PIXEL_SPACING = 'x00181164';
const MAGNIFICATION = 'x00181114';

/** Modalities of projections, whose Pixel Spacing is that of the detector unless something says otherwise. */
const PROJECTIONS = new Set(['CR', 'DX', 'MG', 'IO', 'PX', 'RG', 'RF', 'XA', 'RTIMAGE']);
/** Decimal strings are rounded. */
const TOLERANCE = 1e-3;
/** PS3.5 6.2, DS: what parseFloat makes of anything else, as of 0,5, is another number. */
const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;

type Pair = readonly [rows: number, columns: number];

function positive(value: string | undefined): number | undefined {
  const number = value !== undefined && DECIMAL.test(value) ? Number(value) : NaN;
  return number > 0 && Number.isFinite(number) ? number : undefined;
}

function pairIn(place: DataSet, tag: string): Pair | undefined {
  const values = place.string(tag)?.split('\\') ?? [];
  const [rows, columns] = values.map(positive);
  return values.length === 2 && rows !== undefined && columns !== undefined ? [rows, columns] : undefined;
}

function find<T>(places: readonly DataSet[], read: (place: DataSet) => T | undefined): T | undefined {
  for (const place of places) {
    const found = read(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

const alike = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE * Math.max(a, b);
const sizeOf = ([rowMm, columnMm]: Pair, origin: SpacingOrigin): PixelSize => ({ rowMm, columnMm, origin });

/** Values of the attributes of an ultrasound region: two dimensions, and centimetres for a pixel. */
const TWO_DIMENSIONS = 1;
const CENTIMETRES = 3;

/** What all regions of two dimensions of an ultrasound image agree on; graphs of time and velocity beside them do not count. */
function ultrasoundSize(dataSet: DataSet): PixelSize | undefined {
  const items = dataSet.elements['x00186011']?.items ?? [];
  const regions = items.flatMap(({ dataSet: region }) =>
    region?.uint16('x00186012') === TWO_DIMENSIONS ? [region] : [],
  );
  const sizes = regions.map((region): Pair | undefined => {
    const inCentimetres = ['x00186024', 'x00186026'].every((unit) => region.uint16(unit) === CENTIMETRES);
    const [columns = 0, rows = 0] = ['x0018602c', 'x0018602e'].map((delta) => Math.abs(region.double(delta) ?? 0) * 10);
    return inCentimetres && rows > 0 && columns > 0 ? [rows, columns] : undefined;
  });
  const [first] = sizes;
  const agreed = first && sizes.every((size) => size && alike(size[0], first[0]) && alike(size[1], first[1]));
  return agreed ? sizeOf(first, 'ultrasound-region') : undefined;
}

/**
 * @param frame from 0
 * @returns nothing where the header does not say it in valid numbers, or says several things of one picture
 */
export function pixelSizeOf(dataSet: DataSet, frame: number): PixelSize | undefined {
  const measures = placesOf(dataSet, frame, PIXEL_MEASURES);
  const stated = find(measures, (place) => pairIn(place, PIXEL_SPACING));
  const detector = find(placesOf(dataSet, frame, FRAME_PIXEL_DATA), (place) => pairIn(place, IMAGER_PIXEL_SPACING));
  if (stated) {
    if (text(dataSet, CALIBRATION_TYPE) !== undefined) return sizeOf(stated, 'calibrated');
    if (detector) {
      // PS3.3 10.7.1.3: equal values mean that nothing was corrected.
      const corrected = !alike(stated[0], detector[0]) || !alike(stated[1], detector[1]);
      return sizeOf(stated, corrected ? 'calibrated' : 'detector');
    }
    return sizeOf(stated, PROJECTIONS.has(text(dataSet, 'x00080060') ?? '') ? 'detector' : 'patient');
  }
  if (!detector) return ultrasoundSize(dataSet);
  const magnification = positive(text(dataSet, MAGNIFICATION)) ?? 1;
  return magnification > 1
    ? sizeOf([detector[0] / magnification, detector[1] / magnification], 'estimated')
    : sizeOf(detector, 'detector');
}
