// Masks as text and as bits. These read every pixel; for masks of requests pixelPool runs them on another thread.

import { automedError } from '../common/errors';

/** @throws InvalidInputError (SHAPE_MISMATCH) */
export function checkSize(length: number, width: number, height: number): void {
  if (length !== width * height) {
    throw automedError(
      'SHAPE_MISMATCH',
      `The mask has ${length} pixels; ${width} x ${height} needs ${width * height}.`,
      {
        field: 'mask',
      },
    );
  }
}

/** Lengths of the runs of equal values in column-major order, background first (COCO's uncompressed counts). */
function runLengths(mask: Uint8Array, width: number, height: number): number[] {
  const counts: number[] = [];
  let value = 0;
  let run = 0;
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      const next = mask[y * width + x] ? 1 : 0;
      if (next !== value) {
        counts.push(run);
        run = 0;
        value = next;
      }
      run += 1;
    }
  }
  counts.push(run);
  return counts;
}

/**
 * COCO's compressed run-length encoding, the string pycocotools writes as `counts`: from the fourth run on the difference
 * to the run two before, each as little-endian groups of five bits with a continuation bit, offset by 48.
 */
export function encodeRle(mask: Uint8Array, width: number, height: number): string {
  checkSize(mask.length, width, height);
  const counts = runLengths(mask, width, height);
  const codes: number[] = [];
  counts.forEach((count, index) => {
    let rest = index > 2 ? count - (counts[index - 2] ?? 0) : count;
    let more = true;
    while (more) {
      const group = rest & 0x1f;
      rest >>= 5;
      more = group & 0x10 ? rest !== -1 : rest !== 0;
      codes.push((more ? group | 0x20 : group) + 48);
    }
  });
  return Buffer.from(codes).toString('latin1');
}

/** One bit per pixel in row order, most significant bit first; the last byte is filled with zeros. */
export function packBits(mask: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(mask.length / 8));
  mask.forEach((value, index) => {
    if (value) packed[index >> 3] = (packed[index >> 3] ?? 0) | (0x80 >> (index & 7));
  });
  return packed;
}
