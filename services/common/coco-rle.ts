// Masks as COCO's compressed run-length encoding: lengths of runs, column by column, background first.

import { automedError } from './errors';

/**
 * Lengths of the runs, background first; together as long as the mask.
 * @throws InvalidInputError (field `rle`) for text that is damaged or of another size
 */
export function parseRuns(rle: string, pixelCount: number): number[] {
  const broken = (): Error =>
    automedError('INVALID_ARGUMENT', 'The run-length encoding is damaged or of another size.', { field: 'rle' });
  const counts: number[] = [];
  let total = 0;
  for (let at = 0; at < rle.length;) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      const group = rle.charCodeAt(at) - 48;
      if (!(group >= 0 && group < 64) || shift > 30) throw broken();
      value |= (group & 0x1f) << shift;
      more = (group & 0x20) !== 0;
      shift += 5;
      at += 1;
      if (!more && group & 0x10 && shift < 32) value |= -1 << shift;
    }
    if (counts.length > 2) value += counts[counts.length - 2] ?? 0;
    if (value < 0) throw broken();
    counts.push(value);
    total += value;
  }
  if (total !== pixelCount) throw broken();
  return counts;
}

/**
 * The mask behind `coco_rle` of an answer (COCO's compressed run-length encoding, column by column): 0 or 1 per pixel, row by row.
 * @throws InvalidInputError (field `rle`) for text that is damaged or of another size
 */
export function decodeRle(rle: string, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  let position = 0;
  parseRuns(rle, mask.length).forEach((run, index) => {
    if (index % 2 === 1) {
      for (let at = position; at < position + run; at += 1) mask[(at % height) * width + Math.floor(at / height)] = 1;
    }
    position += run;
  });
  return mask;
}

/** Pixels of the foreground. */
export const areaOf = (runs: readonly number[]): number =>
  runs.reduce((sum, run, index) => (index % 2 === 1 ? sum + run : sum), 0);

/** Pixels that are foreground in both of two masks of one size. */
export function sharedArea(a: readonly number[], b: readonly number[]): number {
  let [shared, i, j] = [0, 0, 0];
  let [endA, endB] = [a[0] ?? 0, b[0] ?? 0];
  for (let at = 0; i < a.length && j < b.length;) {
    const end = Math.min(endA, endB);
    if (i % 2 === 1 && j % 2 === 1) shared += end - at;
    at = end;
    // An end that is reached begins the next run; a run of no length ends at once.
    if (endA === end) endA += a[(i += 1)] ?? 0;
    else endB += b[(j += 1)] ?? 0;
  }
  return shared;
}

/** Dice coefficient of two masks of one size, `[0, 1]`; 1 when both are empty. */
export function diceOfRuns(a: readonly number[], b: readonly number[]): number {
  const total = areaOf(a) + areaOf(b);
  return total === 0 ? 1 : (2 * sharedArea(a, b)) / total;
}
