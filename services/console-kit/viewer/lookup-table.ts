// Window and level through a table: one look-up for each pixel, whatever the window.

import type { ColorPicture, GrayPicture, Window } from './picture';

/** Grey of a value, `[0, 255]`: the linear function of DICOM PS3.3 C.11.2.1.2. */
export function gray(value: number, { center, width }: Window): number {
  if (width <= 1) return value <= center - 0.5 ? 0 : 255;
  const share = (value - (center - 0.5)) / (width - 1) + 0.5;
  return Math.round(Math.min(1, Math.max(0, share)) * 255);
}

/** Grey of every stored value that a picture can have, `[0, 255]`. */
export function grayTable({ offset, slope, intercept, inverted }: GrayPicture, window: Window, negative: boolean) {
  const table = new Uint8Array(65_536);
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
export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Writes the grey pixels of a region as opaque RGBA, one 32-bit word each. */
export function paintGray(
  { values, width: stride }: Pick<GrayPicture, 'values' | 'width'>,
  { x, y, width, height }: Region,
  table: Uint8Array,
  words: Uint32Array,
): void {
  const colours = new Uint32Array(table.length);
  for (let value = 0; value < table.length; value += 1)
    colours[value] = 0xff000000 | ((table[value] as number) * 0x010101);
  for (let row = 0, at = 0; row < height; row += 1) {
    const from = (y + row) * stride + x;
    for (let pixel = from; pixel < from + width; pixel += 1, at += 1)
      words[at] = colours[values[pixel] as number] as number;
  }
}

export function paintColor(
  { rgba, width: stride }: Pick<ColorPicture, 'rgba' | 'width'>,
  { x, y, width, height }: Region,
  table: Uint8Array,
  bytes: Uint8ClampedArray,
): void {
  for (let row = 0, at = 0; row < height; row += 1) {
    const from = 4 * ((y + row) * stride + x);
    for (let pixel = from; pixel < from + 4 * width; pixel += 4, at += 4) {
      bytes[at] = table[rgba[pixel] as number] as number;
      bytes[at + 1] = table[rgba[pixel + 1] as number] as number;
      bytes[at + 2] = table[rgba[pixel + 2] as number] as number;
      bytes[at + 3] = 255;
    }
  }
}
