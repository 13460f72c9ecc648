// Masks of one bit for each pixel, 32 of them in a word: what one instruction does, it does to all of them.

import type { Size } from './view';

export interface BitRows extends Size {
  /** Row by row; the pixel furthest to the left is the lowest bit of a row's first word. Bits beyond the width are zero. */
  words: Uint32Array;
  /** Words of a row. */
  stride: number;
}

export const WORD_BITS = 32;

export function emptyRows({ width, height }: Size): BitRows {
  const stride = Math.ceil(width / WORD_BITS);
  return { words: new Uint32Array(stride * height), stride, width, height };
}

/** Whether a pixel within the rows is set: 1 or 0. */
export const bitAt = ({ words, stride }: BitRows, x: number, y: number): number =>
  ((words[y * stride + (x >>> 5)] as number) >>> (x & 31)) & 1;

/** Every pixel that is set, or that has one beside it, above it, below it or across a corner. */
export const grown = (rows: BitRows): BitRows => alongColumns(alongRows(rows, true), true);

/** Every pixel that is set together with all eight around it; what is outside is not set. */
export const shrunken = (rows: BitRows): BitRows => alongColumns(alongRows(rows, false), false);

/** @param any whether one of three neighbours is enough; else all of them must be set */
function alongRows({ words, stride, width, height }: BitRows, any: boolean): BitRows {
  const made = emptyRows({ width, height });
  const rest = width % WORD_BITS;
  const inLast = rest === 0 ? -1 : (1 << rest) - 1;
  for (let y = 0, at = 0; y < height; y += 1) {
    let before = 0;
    for (let column = 0; column < stride; column += 1, at += 1) {
      const isLast = column === stride - 1;
      const mid = words[at] as number;
      const left = (mid << 1) | (before >>> 31);
      const right = (mid >>> 1) | (isLast ? 0 : (words[at + 1] as number) << 31);
      const word = any ? left | mid | right : left & mid & right;
      made.words[at] = isLast ? word & inLast : word;
      before = mid;
    }
  }
  return made;
}

function alongColumns({ words, stride, width, height }: BitRows, any: boolean): BitRows {
  const made = emptyRows({ width, height });
  for (let y = 0, at = 0; y < height; y += 1) {
    const [isFirst, isLast] = [y === 0, y === height - 1];
    for (const end = at + stride; at < end; at += 1) {
      const above = isFirst ? 0 : (words[at - stride] as number);
      const below = isLast ? 0 : (words[at + stride] as number);
      const mid = words[at] as number;
      made.words[at] = any ? above | mid | below : above & mid & below;
    }
  }
  return made;
}
