// Masks at the size of the screen. What they cost depends on how much of the screen they cover, not on how ragged they are: a path
// along the border of a noisy mask has tens of thousands of segments, and a browser without a GPU takes 70 ms to stroke it.

import type { Region } from './lookup-table';
import type { Size, View } from './view';

interface Bitmap extends Size {
  /** One byte for each pixel, row by row; 1 is foreground. */
  bits: Uint8Array;
}

/** Of each pixel of the screen along a line: the pixels of the mask from `first` up to `end`; none beside the mask. */
interface Spans {
  first: Int32Array;
  end: Int32Array;
}

function spansOf(from: number, count: number, offset: number, scale: number, size: number): Spans {
  const spans = { first: new Int32Array(count), end: new Int32Array(count) };
  const within = (at: number): number => Math.min(size, Math.max(0, at));
  for (let at = 0; at < count; at += 1) {
    const [low, high] = [(from + at - offset) / scale, (from + at + 1 - offset) / scale];
    // An enlarged pixel covers many of the screen; of a shrunk mask those count whose centre a pixel of the screen covers.
    const first = scale >= 1 ? Math.floor((low + high) / 2) : Math.ceil(low - 0.5);
    spans.first[at] = within(first);
    spans.end[at] = within(scale >= 1 ? first + 1 : Math.ceil(high - 0.5));
  }
  return spans;
}

/**
 * The part of a mask in a region of the screen. Where the mask is shrunk one pixel of foreground is enough, so that nothing
 * thin vanishes.
 * @param place in pixels of the screen
 */
export function stencilOf({ bits, width, height }: Bitmap, place: View, region: Region): Uint8Array<ArrayBuffer> {
  const columns = spansOf(region.x, region.width, place.x, place.scale, width);
  const rows = spansOf(region.y, region.height, place.y, place.scale, height);
  const made = new Uint8Array(region.width * region.height);
  for (let y = 0; y < region.height; y += 1) {
    const [first, end, start] = [rows.first[y] as number, rows.end[y] as number, y * region.width];
    if (y > 0 && end > first && rows.first[y - 1] === first && rows.end[y - 1] === end) {
      made.copyWithin(start, start - region.width, start);
      continue;
    }
    for (let row = first; row < end; row += 1) addRow(bits, row * width, columns, made, start);
  }
  return made;
}

function addRow(bits: Uint8Array, row: number, { first, end }: Spans, made: Uint8Array, start: number): void {
  for (let x = 0; x < first.length; x += 1) {
    const last = row + (end[x] as number);
    for (let from = row + (first[x] as number); from < last; from += 1)
      if (bits[from] === 1) {
        made[start + x] = 1;
        break;
      }
  }
}

/**
 * @param radius at most 7, pixels
 * @returns 1 for each pixel with both foreground and background no further away than the radius: a line twice as wide
 */
export function borderOf(stencil: Uint8Array, { width, height }: Size, radius: number): Uint8Array {
  const window = 2 * radius + 1;
  const all = window ** 2;
  // Background above and below, so that no row is a special one.
  const across = new Uint8Array(width * (height + 2 * window));
  sumRows(stencil, width, radius, across.subarray(width * window));
  const sums = new Uint8Array(width);
  const border = new Uint8Array(width * height);
  for (let y = -radius; y < height; y += 1) {
    const entering = (y + radius + window) * width;
    addRowDifference(across, entering - window * width, entering, sums);
    if (y >= 0) markMixed(sums, all, border, y * width);
  }
  return border;
}

function addRowDifference(rows: Uint8Array, leaving: number, entering: number, sums: Uint8Array): void {
  for (let x = 0; x < sums.length; x += 1)
    sums[x] = (sums[x] as number) + (rows[entering + x] as number) - (rows[leaving + x] as number);
}

function markMixed(sums: Uint8Array, all: number, border: Uint8Array, start: number): void {
  for (let x = 0; x < sums.length; x += 1) {
    const sum = sums[x] as number;
    border[start + x] = sum > 0 && sum < all ? 1 : 0;
  }
}

/** Foreground up to `radius` to the left and to the right of each pixel. */
function sumRows(stencil: Uint8Array, width: number, radius: number, into: Uint8Array): void {
  const window = 2 * radius + 1;
  const padded = new Uint8Array(width + 2 * window);
  for (let start = 0; start < stencil.length; start += width) {
    padded.set(stencil.subarray(start, start + width), window);
    let sum = 0;
    for (let at = window; at < window + radius; at += 1) sum += padded[at] as number;
    for (let x = 0; x < width; x += 1) {
      sum += (padded[x + window + radius] as number) - (padded[x + radius] as number);
      into[start + x] = sum;
    }
  }
}
