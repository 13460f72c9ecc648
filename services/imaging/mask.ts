import sharp from 'sharp';
import { automedError } from '../common/errors';
import { decodeImage, DEFAULT_LIMITS, type DecodeLimits } from './decode';
import { toRgb8 } from './pixels';

/** One byte per pixel, 0 or 1, rows from the top. */
export interface Mask {
  mask: Uint8Array;
  width: number;
  height: number;
}

function checkSize(length: number, width: number, height: number): void {
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

/** 8-bit grey PNG, foreground 255. */
export async function encodeMaskPng(mask: Uint8Array, width: number, height: number): Promise<Buffer> {
  checkSize(mask.length, width, height);
  const grey = mask.map((value) => (value ? 255 : 0));
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** Reads a mask image: foreground is above 127 (on the 8-bit scale; of the first band when there are several). */
export async function decodeMask(bytes: Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): Promise<Mask> {
  const pixels = await decodeImage(bytes, limits);
  const { width, height } = pixels;
  const mask = new Uint8Array(width * height);
  if (pixels.sampleType === 'uint8') {
    const { data, channels } = pixels;
    for (let pixel = 0; pixel < mask.length; pixel += 1) mask[pixel] = (data[pixel * channels] ?? 0) > 127 ? 1 : 0;
  } else {
    const rgb = toRgb8(pixels);
    for (let pixel = 0; pixel < mask.length; pixel += 1) mask[pixel] = (rgb[pixel * 3] ?? 0) > 127 ? 1 : 0;
  }
  return { mask, width, height };
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

function parseRuns(rle: string, pixelCount: number): number[] {
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

/** Inverse of encodeRle(). */
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

/** One bit per pixel in row order, most significant bit first; the last byte is filled with zeros. */
export function packBits(mask: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(mask.length / 8));
  mask.forEach((value, index) => {
    if (value) packed[index >> 3] = (packed[index >> 3] ?? 0) | (0x80 >> (index & 7));
  });
  return packed;
}

/** Inverse of packBits(). */
export function unpackBits(packed: Uint8Array, pixelCount: number): Uint8Array {
  if (packed.length !== Math.ceil(pixelCount / 8)) {
    throw automedError('SHAPE_MISMATCH', `${packed.length} bytes of bits do not hold ${pixelCount} pixels.`, {
      field: 'mask',
    });
  }
  return Uint8Array.from({ length: pixelCount }, (_, index) => ((packed[index >> 3] ?? 0) >> (7 - (index & 7))) & 1);
}
