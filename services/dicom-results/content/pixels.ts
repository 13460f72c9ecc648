// Passes over masks. A study has a hundred million pixels: these are plain loops.

/** Whether every value is 0 or 1. */
export function isBinary(mask: Uint8Array): boolean {
  let seen = 0;
  for (const value of mask) seen |= value;
  return seen <= 1;
}

/** Pixels that are drawn. */
export function countOf(mask: Uint8Array): number {
  let count = 0;
  for (const value of mask) count += value;
  return count;
}

/** Sets what is drawn in `to`; whether any of it was set before. */
export function setWhere(mask: Uint8Array, to: Uint8Array, value: number): boolean {
  let before = 0;
  for (let pixel = 0; pixel < mask.length; pixel += 1) {
    if (mask[pixel] !== 1) continue;
    before |= to[pixel] ?? 0;
    to[pixel] = value;
  }
  return before !== 0;
}

/** Ors a mask into bits, the least significant first, from bit `first` on. */
export function packInto(bytes: Uint8Array, mask: Uint8Array, first: number): void {
  for (let pixel = 0; pixel < mask.length; pixel += 1) {
    if (mask[pixel] !== 1) continue;
    const at = first + pixel;
    bytes[at >>> 3] = (bytes[at >>> 3] ?? 0) | (1 << (at & 7));
  }
}

/** Bits from `first` on as a mask. */
export function unpacked(bytes: Uint8Array, first: number, count: number): Uint8Array {
  const mask = new Uint8Array(count);
  for (let pixel = 0; pixel < count;) {
    const at = first + pixel;
    const byte = bytes[at >>> 3] ?? 0;
    // Most of a mask is background: eight pixels at a time.
    if (byte === 0 && (at & 7) === 0) {
      pixel += 8;
      continue;
    }
    mask[pixel] = (byte >> (at & 7)) & 1;
    pixel += 1;
  }
  return mask;
}

export interface Sums {
  pixels: number;
  /** Of the columns, and of the rows, of what is drawn. */
  columns: number;
  rows: number;
}

export function sumsOf(mask: Uint8Array, width: number): Sums {
  let [pixels, columns, rows] = [0, 0, 0];
  for (let row = 0, from = 0; from < mask.length; row += 1, from += width) {
    let inRow = 0;
    for (let column = 0; column < width; column += 1) {
      if (mask[from + column] !== 1) continue;
      inRow += 1;
      columns += column;
    }
    pixels += inRow;
    rows += inRow * row;
  }
  return { pixels, columns, rows };
}
