// From stored values to what a display shows, as the header says: rescaling (modality LUT, PS3.3 C.11.1), then a window or a
// VOI LUT (C.11.2).

import type { DataSet } from 'dicom-parser';
import { placesOf } from './functional-groups';
import { text, type ImageFormat } from './header';
import { fullScale, lookUp, readLookupTable, type LookupTable } from './lookup-table';

/** From stored values to those that the modality measures, e.g. Hounsfield units. */
export type Modality = { slope: number; intercept: number } | LookupTable;

export interface Window {
  centre: number;
  width: number;
  shape: 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';
}

/** What makes grey levels of measured values. */
export type Contrast = Window | LookupTable;

/** Stored values, both included, that are no part of the picture. */
export interface Padding {
  from: number;
  to: number;
}

export interface GreyTransforms {
  modality: Modality;
  /** Absent: the file does not say how it is to be seen. */
  contrast: Contrast | undefined;
  padding: Padding | undefined;
}

const PIXEL_VALUE_TRANSFORMATION = 'x00289145';
const FRAME_VOI_LUT = 'x00289132';

/**
 * X-Ray Angiographic and Radiofluoroscopic images, and the enhanced ones of either: their modality transformation gives the
 * X-ray intensity, and is no part of the display (PS3.4 N.2.1.2, PS3.3 C.8.7.1.1.2).
 */
const UNTRANSFORMED = new Set(['12.1', '12.2', '12.1.1', '12.2.1'].map((kind) => `1.2.840.10008.5.1.4.1.1.${kind}`));

/** The first number of an element of decimal strings. */
function decimal(dataSet: DataSet, tag: string): number | undefined {
  const value = dataSet.elements[tag]?.length ? dataSet.floatString(tag, 0) : undefined;
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function tableIn(dataSet: DataSet, sequence: string, signed: boolean): LookupTable | undefined {
  const item = dataSet.elements[sequence]?.items?.[0]?.dataSet;
  return item && readLookupTable(item, 'x00283002', 'x00283006', signed);
}

function modalityIn(dataSet: DataSet, signed: boolean): Modality | undefined {
  const table = tableIn(dataSet, 'x00283000', signed);
  if (table) return table;
  const [slope, intercept] = [decimal(dataSet, 'x00281053'), decimal(dataSet, 'x00281052')];
  if (slope === undefined && intercept === undefined) return undefined;
  // A slope of 0 would make one value of all.
  return { slope: slope === undefined || slope === 0 ? 1 : slope, intercept: intercept ?? 0 };
}

function windowIn(dataSet: DataSet): Window | undefined {
  const [centre, width] = [decimal(dataSet, 'x00281050'), decimal(dataSet, 'x00281051')];
  if (centre === undefined || width === undefined || width <= 0) return undefined;
  const named = text(dataSet, 'x00281056');
  const shape = named === 'SIGMOID' || named === 'LINEAR_EXACT' ? named : 'LINEAR';
  // A linear window of a width below 1 has no meaning.
  return shape === 'LINEAR' && width < 1 ? undefined : { centre, width, shape };
}

function firstOf<T>(places: readonly DataSet[], find: (place: DataSet) => T | undefined): T | undefined {
  for (const place of places) {
    const found = find(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Padding value and the other end of its range, as integers and as floating-point numbers of either size. */
const PADDING = { integer: ['x00280120', 'x00280121'], 32: ['x00280122', 'x00280124'], 64: ['x00280123', 'x00280125'] };

function paddingOf(dataSet: DataSet, { signed, floating, bitsAllocated }: ImageFormat): Padding | undefined {
  const read = (tag = ''): number | undefined => {
    if (!dataSet.elements[tag]?.length) return undefined;
    if (floating) return bitsAllocated === 64 ? dataSet.double(tag) : dataSet.float(tag);
    return signed ? dataSet.int16(tag) : dataSet.uint16(tag);
  };
  const [own, range] = PADDING[!floating ? 'integer' : bitsAllocated === 64 ? 64 : 32];
  const value = read(own);
  if (value === undefined) return undefined;
  const limit = read(range) ?? value;
  return { from: Math.min(value, limit), to: Math.max(value, limit) };
}

/** What the header says of the display of a frame. Of several windows the first counts, and a VOI LUT before any window. */
export function greyTransforms(dataSet: DataSet, format: ImageFormat, frame: number): GreyTransforms {
  const { signed } = format;
  const transformed = !UNTRANSFORMED.has(text(dataSet, 'x00080016') ?? '');
  const modality = transformed
    ? firstOf(placesOf(dataSet, frame, PIXEL_VALUE_TRANSFORMATION), (place) => modalityIn(place, signed))
    : undefined;
  const places = placesOf(dataSet, frame, FRAME_VOI_LUT);
  const rescaled = modality ?? { slope: 1, intercept: 0 };
  // What a modality LUT gives is never negative (C.11.1.1.1).
  const negative = 'slope' in rescaled && (signed || rescaled.intercept < 0);
  return {
    modality: rescaled,
    contrast: firstOf(places, (place) => tableIn(place, 'x00283010', negative)) ?? firstOf(places, windowIn),
    padding: paddingOf(dataSet, format),
  };
}

/** A measured value of a stored one. */
export function measured(modality: Modality, stored: number): number {
  return 'slope' in modality ? stored * modality.slope + modality.intercept : lookUp(modality, stored);
}

/** The grey level of a measured value, from 0 to 1 (PS3.3 C.11.2.1.2 and C.11.2.1.3). */
export function greyLevel(contrast: Contrast, value: number): number {
  if (!('centre' in contrast)) return lookUp(contrast, value) / fullScale(contrast);
  const { centre, width, shape } = contrast;
  switch (shape) {
    case 'SIGMOID':
      return 1 / (1 + Math.exp((-4 * (value - centre)) / width));
    case 'LINEAR_EXACT':
      return Math.min(1, Math.max(0, (value - centre) / width + 0.5));
    case 'LINEAR':
      if (width === 1) return value > centre - 0.5 ? 1 : 0;
      return Math.min(1, Math.max(0, (value - (centre - 0.5)) / (width - 1) + 0.5));
  }
}
