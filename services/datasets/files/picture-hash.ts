// One hash for one picture, however it is stored: grey or as three equal channels, as palette, with alpha, of 8 bits, or of 16
// bits or fractions that hold no more than 8 bits do, as a model takes it or as programs write it.

import { createHash } from 'node:crypto';
import { SAMPLE_BYTES, samples, toRgb8, type Pixels } from '../../imaging/pixels/pixels';

/** Pixels converted at a time, so that a slide needs no second copy. */
const CHUNK = 1 << 16;
/**
 * What programs multiply 8 bits by when they store them in 16: to the whole range, by a shift of 8, by a shift to 12 bits, or
 * not at all.
 */
const FACTORS = [257, 256, 16, 1];

type ToLevel = (value: number) => number;

/** By which factor 16 bits are 8 bits, if they are. */
function levelOf16(values: Iterable<number>): ToLevel | undefined {
  const factor = FACTORS.find((each) => {
    for (const value of values) {
      if (value % each !== 0 || value > 255 * each) return false;
    }
    return true;
  });
  return factor === undefined ? undefined : (value) => value / factor;
}

/** Whether fractions are whole levels of 0 to 255, or 255ths of 0 to 1. */
function levelOfFractions(values: Iterable<number>): ToLevel | undefined {
  const is = (level: ToLevel, back: ToLevel): boolean => {
    for (const value of values) {
      const nearest = Math.round(level(value));
      if (!(nearest >= 0 && nearest <= 255) || Math.fround(back(nearest)) !== value) return false;
    }
    return true;
  };
  const whole: ToLevel = (value) => value;
  if (is(whole, whole)) return whole;
  const unit: ToLevel = (value) => value * 255;
  return is(unit, (level) => level / 255) ? (value) => Math.round(unit(value)) : undefined;
}

/** The level of 8 bits that each sample stands for; nothing where 8 bits do not hold them. */
function levelsOf({ sampleType, window }: Pixels, values: Iterable<number>): ToLevel | undefined {
  // What a display shows is a picture of 8 bits, whichever depth was asked for.
  if (window !== undefined) return (value) => Math.round((255 * (value - window.low)) / (window.high - window.low));
  if (sampleType === 'uint8') return (value) => value;
  return sampleType === 'uint16' ? levelOf16(values) : levelOfFractions(values);
}

/** SHA-256 of a picture's size and its 8-bit RGB samples, or of its own samples where 8 bits do not hold them. */
export function pictureHash(pixels: Pixels): string {
  const { width, height, channels, sampleType, data } = pixels;
  const hash = createHash('sha256').update(`${width} ${height} `);
  // Of every type of sample a typed array.
  const values = samples(pixels).values as ArrayLike<number> & Iterable<number>;
  const toLevel = levelsOf(pixels, values);
  if (!toLevel) return hash.update(`${channels} ${sampleType} `).update(data).digest('hex');
  const stride = channels * SAMPLE_BYTES[sampleType];
  for (let from = 0; from < width * height; from += CHUNK) {
    const count = Math.min(CHUNK, width * height - from);
    const part =
      sampleType === 'uint8'
        ? data.subarray(from * stride, (from + count) * stride)
        : Uint8Array.from({ length: count * channels }, (_, at) => toLevel(values[from * channels + at] as number));
    hash.update(toRgb8({ ...pixels, sampleType: 'uint8', data: part, width: count, height: 1 }));
  }
  return hash.digest('hex');
}
