// What the viewer shows: pixels in memory, and how their values are to be read.

import { t } from '../texts/en';

/** Values are shown from black at the lower end to white at the upper one, as DICOM's VOI windows have it. */
export interface Window {
  center: number;
  /** At least 1. */
  width: number;
}

export interface WindowPreset extends Window {
  name: string;
}

interface Common {
  width: number;
  height: number;
  /** Windows that the file or its modality suggests; the first is shown. Never empty. */
  presets: readonly WindowPreset[];
  /** Distance between pixels, millimetres; absent where nothing says. */
  spacing?: { columnMm: number; rowMm: number };
}

export interface GrayPicture extends Common {
  kind: 'gray';
  /** Stored values plus `offset`, row by row. */
  values: Uint16Array;
  /** What was added to stored values so that none is negative. */
  offset: number;
  /** A value is `(stored) * slope + intercept`. */
  slope: number;
  intercept: number;
  /** Of a value, e.g. `HU`; may be empty. */
  unit: string;
  /** Low values are bright (MONOCHROME1). */
  inverted: boolean;
}

export interface ColorPicture extends Common {
  kind: 'color';
  /** Red, green, blue, alpha. */
  rgba: Uint8ClampedArray;
}

export type Picture = GrayPicture | ColorPicture;

/** Of eight bits: everything. */
export const FULL_RANGE: WindowPreset = { name: t.viewer.fullRange, center: 127.5, width: 255 };

/** The value at a pixel for people: one number with its unit, or three. */
export function valueAt(picture: Picture, x: number, y: number): string {
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return '';
  const at = y * picture.width + x;
  if (picture.kind === 'color') {
    const [r = 0, g = 0, b = 0] = picture.rgba.subarray(4 * at, 4 * at + 3);
    return r === g && g === b ? String(r) : `${r} ${g} ${b}`;
  }
  const value = ((picture.values[at] ?? 0) - picture.offset) * picture.slope + picture.intercept;
  return `${Number(value.toFixed(2))} ${picture.unit}`.trim();
}
