// One hash for one picture, however it is stored: grey or as three equal channels, as palette, with alpha, of 8 bits or of
// 16 bits that are 257 times 8 bits, as a model takes it.

import { createHash } from 'node:crypto';
import { toRgb8, type Pixels } from '../../imaging/pixels';

/** Pixels converted at a time, so that a slide needs no second copy. */
const CHUNK = 1 << 16;
/** The 16-bit value of white for each level of 8 bits. */
const LEVEL = 257;

const BYTES = { uint8: 1, uint16: 2, float32: 4 } as const;

/** True where 8 bits hold every sample: 16 bits finer than that, and fractions, are another picture. */
function fitsEightBits({ data, sampleType }: Pixels): boolean {
  if (sampleType === 'uint8') return true;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at + BYTES[sampleType] <= data.byteLength; at += BYTES[sampleType]) {
    if (sampleType === 'uint16' && view.getUint16(at, true) % LEVEL !== 0) return false;
    if (sampleType === 'float32') {
      const value = view.getFloat32(at, true);
      if (!(Number.isInteger(value) && value >= 0 && value <= 255)) return false;
    }
  }
  return true;
}

/** SHA-256 of a picture's size and its 8-bit RGB samples, or of its own samples where 8 bits do not hold them. */
export function pictureHash(pixels: Pixels): string {
  const { width, height, channels, sampleType, data } = pixels;
  const hash = createHash('sha256').update(`${width} ${height} `);
  if (!fitsEightBits(pixels)) return hash.update(`${channels} ${sampleType} `).update(data).digest('hex');
  const stride = channels * BYTES[sampleType];
  for (let from = 0; from < width * height; from += CHUNK) {
    const count = Math.min(CHUNK, width * height - from);
    const part = data.subarray(from * stride, (from + count) * stride);
    hash.update(toRgb8({ ...pixels, data: part, width: count, height: 1 }));
  }
  return hash.digest('hex');
}
