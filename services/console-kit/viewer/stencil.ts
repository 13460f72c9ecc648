// Masks at the size of the screen. What they cost depends on how much of the screen they cover, not on how ragged they are: a path
// along the border of a noisy mask has tens of thousands of segments, and a browser without a GPU takes 70 ms to stroke it.

import { emptyRows, grown, shrunken, WORD_BITS, type BitRows } from './bit-rows';
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
export function stencilOf({ bits, width, height }: Bitmap, place: View, region: Region): BitRows {
  const columns = spansOf(region.x, region.width, place.x, place.scale, width);
  const rows = spansOf(region.y, region.height, place.y, place.scale, height);
  const made = emptyRows(region);
  const { words, stride } = made;
  for (let y = 0; y < region.height; y += 1) {
    const [first, end, start] = [rows.first[y] as number, rows.end[y] as number, y * stride];
    if (y > 0 && end > first && rows.first[y - 1] === first && rows.end[y - 1] === end) {
      words.copyWithin(start, start - stride, start);
      continue;
    }
    const into = words.subarray(start, start + stride);
    for (let row = first; row < end; row += 1) {
      if (place.scale >= 1) enlargeRow(bits, row * width, columns, into);
      else addRow(bits, row * width, columns, into);
    }
  }
  return made;
}

/** Of an enlarged row each pixel of the screen shows one. */
function enlargeRow(bits: Uint8Array, row: number, { first, end }: Spans, into: Uint32Array): void {
  for (let word = 0, x = 0; word < into.length; word += 1) {
    const last = Math.min(first.length, x + WORD_BITS);
    let made = 0;
    for (let bit = 0; x < last; bit += 1, x += 1)
      // Beside the mask there is none.
      if ((end[x] as number) > (first[x] as number)) made |= (bits[row + (first[x] as number)] as number) << bit;
    into[word] = made;
  }
}

function addRow(bits: Uint8Array, row: number, { first, end }: Spans, into: Uint32Array): void {
  for (let x = 0; x < first.length; x += 1) {
    const last = row + (end[x] as number);
    for (let from = row + (first[x] as number); from < last; from += 1)
      if (bits[from] === 1) {
        into[x >>> 5] = (into[x >>> 5] as number) | (1 << (x & 31));
        break;
      }
  }
}

/**
 * @param radii from small to large, whole pixels
 * @returns for each radius the pixels with both foreground and background no further away: lines twice as wide
 */
export function bordersOf(stencil: BitRows, radii: readonly number[]): BitRows[] {
  let [outer, inner, reached] = [stencil, stencil, 0];
  return radii.map((radius) => {
    for (; reached < radius; reached += 1) [outer, inner] = [grown(outer), shrunken(inner)];
    return without(outer, inner);
  });
}

function without(rows: BitRows, others: BitRows): BitRows {
  const words = new Uint32Array(rows.words.length);
  for (let at = 0; at < words.length; at += 1) words[at] = (rows.words[at] as number) & ~(others.words[at] as number);
  return { ...rows, words };
}
