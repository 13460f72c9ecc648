import sharp from 'sharp';
import { automedError } from '../common/errors';
import { type Mask, toRgb8 } from './pixels/pixels';
import { decodeImage, DEFAULT_LIMITS, type DecodeLimits } from './decode';
import { checkSize } from './mask-codes';

export { encodeRle, packBits } from './mask-codes';

/** 8-bit grey PNG, foreground 255. */
export async function encodeMaskPng(mask: Uint8Array, width: number, height: number): Promise<Buffer> {
  checkSize(mask.length, width, height);
  return sharp(mask, { raw: { width, height, channels: 1 } })
    .threshold(1) // 0 stays, all else becomes 255: here, because libvips has threads of its own
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

/** Inverse of packBits(). */
export function unpackBits(packed: Uint8Array, pixelCount: number): Uint8Array {
  if (packed.length !== Math.ceil(pixelCount / 8)) {
    throw automedError('SHAPE_MISMATCH', `${packed.length} bytes of bits do not hold ${pixelCount} pixels.`, {
      field: 'mask',
    });
  }
  return Uint8Array.from({ length: pixelCount }, (_, index) => ((packed[index >> 3] ?? 0) >> (7 - (index & 7))) & 1);
}
