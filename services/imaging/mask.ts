import { automedError } from '../common/errors';
import { type Mask, toRgb8 } from './pixels/pixels';
import { decodeImage, DEFAULT_LIMITS, type DecodeLimits } from './decode';
import { checkSize } from './mask-codes';
import { packRows, pngOfRows } from './mask-png';
import { pixelPool } from './pixel-pool';

export { encodeRle, packBits } from './mask-codes';

/** Masks of more pixels are packed on another thread: this one would be held up for a millisecond. */
const PACKED_HERE = 2_000_000;

/** Grey PNG of one bit a pixel: what is not 0 is foreground, and white. Compressed on another thread. */
export async function encodeMaskPng(mask: Uint8Array, width: number, height: number): Promise<Buffer> {
  checkSize(mask.length, width, height);
  if (mask.length > PACKED_HERE) return Buffer.from((await pixelPool.png(mask, width, height)).buffer);
  return pngOfRows(packRows(mask, width, height), width, height);
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

/** Inverse of packBits(). */
export function unpackBits(packed: Uint8Array, pixelCount: number): Uint8Array {
  if (packed.length !== Math.ceil(pixelCount / 8)) {
    throw automedError('SHAPE_MISMATCH', `${packed.length} bytes of bits do not hold ${pixelCount} pixels.`, {
      field: 'mask',
    });
  }
  return Uint8Array.from({ length: pixelCount }, (_, index) => ((packed[index >> 3] ?? 0) >> (7 - (index & 7))) & 1);
}
