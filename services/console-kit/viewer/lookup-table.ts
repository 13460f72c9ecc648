// Window and level through a table: one look-up for each pixel, whatever the window.

import type { ColorPicture, GrayPicture, Window } from './picture';
import type { Point, Size } from './view';

/** Grey of a value, `[0, 255]`: the linear function of DICOM PS3.3 C.11.2.1.2. */
export function gray(value: number, { center, width }: Window): number {
  if (width <= 1) return value <= center - 0.5 ? 0 : 255;
  const share = (value - (center - 0.5)) / (width - 1) + 0.5;
  return Math.round(Math.min(1, Math.max(0, share)) * 255);
}

/** The largest stored value of a picture, looked for once. */
const largest = new WeakMap<Uint16Array, number>();

function largestOf(values: Uint16Array): number {
  let found = largest.get(values);
  if (found === undefined) {
    found = 0;
    for (const value of values) if (value > found) found = value;
    largest.set(values, found);
  }
  return found;
}

/** Grey of every stored value up to the picture's largest one, `[0, 255]`: most pictures of 16 bits have 12 at most. */
export function grayTable(picture: GrayPicture, window: Window, negative: boolean): Uint8Array {
  const { values, offset, slope, intercept, inverted } = picture;
  const table = new Uint8Array(largestOf(values) + 1);
  const flip = inverted !== negative;
  for (let stored = 0; stored < table.length; stored += 1) {
    const shown = gray((stored - offset) * slope + intercept, window);
    table[stored] = flip ? 255 - shown : shown;
  }
  return table;
}

/** What each channel of eight bits becomes. */
export function channelTable(window: Window, negative: boolean): Uint8Array {
  const table = new Uint8Array(256);
  // Eight bits have no half steps: a window of 255 around 127.5 leaves every value as it is.
  const low = window.center - window.width / 2;
  for (let value = 0; value < 256; value += 1) {
    const shown = Math.round(Math.min(1, Math.max(0, (value - low) / Math.max(1, window.width))) * 255);
    table[value] = negative ? 255 - shown : shown;
  }
  return table;
}

/** Pixels of a picture; within it. */
export interface Region extends Point, Size {}

/** Where each row of a region begins in a picture, pixels. */
function rowStarts({ width: stride }: Size, { x, y, height }: Region): number[] {
  return Array.from({ length: height }, (_, row) => (y + row) * stride + x);
}

/** Writes the grey pixels of a region as opaque RGBA, one 32-bit word each. */
export function paintGray(
  picture: Pick<GrayPicture, 'values' | keyof Size>,
  region: Region,
  table: Uint8Array,
  words: Uint32Array,
): void {
  const colours = new Uint32Array(table.length);
  table.forEach((shown, value) => (colours[value] = 0xff000000 | (shown * 0x010101)));
  const { values } = picture;
  let at = 0;
  for (const from of rowStarts(picture, region)) {
    for (let pixel = from; pixel < from + region.width; pixel += 1, at += 1)
      words[at] = colours[values[pixel] as number] as number;
  }
}

export function paintColor(
  picture: Pick<ColorPicture, 'rgba' | keyof Size>,
  region: Region,
  table: Uint8Array,
  bytes: Uint8ClampedArray,
): void {
  const { rgba } = picture;
  let at = 0;
  for (const from of rowStarts(picture, region)) {
    for (let pixel = 4 * from; pixel < 4 * (from + region.width); pixel += 4, at += 4) {
      bytes[at] = table[rgba[pixel] as number] as number;
      bytes[at + 1] = table[rgba[pixel + 1] as number] as number;
      bytes[at + 2] = table[rgba[pixel + 2] as number] as number;
      bytes[at + 3] = 255;
    }
  }
}
