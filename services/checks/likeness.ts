// Pictures that look the same and are not: copies that were compressed again with loss, or resized. Told by the difference hash
// of a thumbnail (dHash: N. Krawetz, "Kind of like that", 2013; here in both directions) and by the thumbnail itself.

import { samples, type Pixels } from '../imaging/pixels/pixels';

/** Side of the thumbnail. */
const SIDE = 17;
/** Differences of neighbours that are noise of a compression, levels. */
const NOISE = 3;
/**
 * Bits of 544 and levels on average by which the thumbnails of copies differ at most. docs/datasets.md says on what they were
 * measured.
 */
const BITS = 32;
const LEVELS = 2;
/** Set bits under which a picture is too plain to be told from others. */
const PLAIN = 48;

/** What is kept of a picture to find its like. */
export interface Look {
  /** 17 x 17 levels of 0 to 255, row by row. */
  thumbnail: Uint8Array;
  mean: number;
  /** Where a pixel of the thumbnail is brighter than its left, or its upper, neighbour. */
  hash: Uint32Array;
}

/** Of each position along an axis the bin that it begins in, and its share of that; the rest is of the next one. */
function binsOf(length: number): { bin: Int32Array; share: Float64Array } {
  const bin = Int32Array.from({ length }, (_, at) => Math.floor((at * SIDE) / length));
  const share = Float64Array.from(bin, (own, at) => Math.min(1, ((own + 1) * length) / SIDE - at));
  return { bin, share };
}

/** Grey levels of a picture, 0 to 255: of 8 bits its own, else between its darkest and its brightest sample. */
function levelsOf(pixels: Pixels): (at: number) => number {
  const values = samples(pixels).values as ArrayLike<number> & Iterable<number>;
  const { channels, sampleType } = pixels;
  let [low, scale] = [0, 1];
  if (sampleType !== 'uint8') {
    let high = -Infinity;
    low = Infinity;
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    scale = high > low ? 255 / (high - low) : 0;
  }
  const of = (at: number): number => ((values[at] as number) - low) * scale;
  if (channels < 3) return (at) => of(at * channels);
  // ITU-R BT.601, as JPEG's luma.
  return (at) => 0.299 * of(at * channels) + 0.587 * of(at * channels + 1) + 0.114 * of(at * channels + 2);
}

/** Means over the areas of 17 x 17 fields. */
function thumbnailOf(pixels: Pixels): Uint8Array {
  const { width, height } = pixels;
  const level = levelsOf(pixels);
  const [columns, rows] = [binsOf(width), binsOf(height)];
  const sums = new Float64Array((SIDE + 1) * SIDE);
  const line = new Float64Array(SIDE + 1);
  for (let y = 0; y < height; y += 1) {
    line.fill(0);
    for (let x = 0; x < width; x += 1) {
      const value = level(y * width + x);
      const [bin, share] = [columns.bin[x] as number, columns.share[x] as number];
      (line[bin] as number) += value * share;
      (line[bin + 1] as number) += value * (1 - share);
    }
    const [bin, share] = [rows.bin[y] as number, rows.share[y] as number];
    for (let x = 0; x < SIDE; x += 1) {
      (sums[bin * SIDE + x] as number) += (line[x] as number) * share;
      (sums[(bin + 1) * SIDE + x] as number) += (line[x] as number) * (1 - share);
    }
  }
  const area = (width * height) / (SIDE * SIDE);
  return Uint8Array.from(sums.subarray(0, SIDE * SIDE), (sum) => Math.round(sum / area));
}

function bitCount(word: number): number {
  let left = word - ((word >>> 1) & 0x55555555);
  left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
  return Math.imul((left + (left >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function hashOf(thumbnail: Uint8Array): Uint32Array {
  const hash = new Uint32Array((2 * SIDE * (SIDE - 1)) / 32);
  let bit = 0;
  const compare = (one: number, before: number): void => {
    const brighter = (thumbnail[one] as number) - (thumbnail[before] as number) > NOISE;
    if (brighter) (hash[bit >>> 5] as number) |= 1 << (bit & 31);
    bit += 1;
  };
  for (let at = 0; at < SIDE * SIDE; at += 1) {
    if (at % SIDE > 0) compare(at, at - 1);
    if (at >= SIDE) compare(at, at - SIDE);
  }
  return hash;
}

/** Undefined for what is too small, or too plain, to be told from others. */
export function lookOf(pixels: Pixels): Look | undefined {
  if (pixels.width < SIDE || pixels.height < SIDE) return undefined;
  const thumbnail = thumbnailOf(pixels);
  const hash = hashOf(thumbnail);
  if (hash.reduce((sum, word) => sum + bitCount(word), 0) < PLAIN) return undefined;
  return { thumbnail, hash, mean: thumbnail.reduce((sum, level) => sum + level, 0) / thumbnail.length };
}

/** Whether two pictures look the same. */
export function isAlike(one: Look, other: Look): boolean {
  let bits = 0;
  for (let at = 0; at < one.hash.length; at += 1) {
    bits += bitCount((one.hash[at] as number) ^ (other.hash[at] as number));
    if (bits > BITS) return false;
  }
  let levels = 0;
  for (let at = 0; at < one.thumbnail.length; at += 1) {
    levels += Math.abs((one.thumbnail[at] as number) - (other.thumbnail[at] as number));
  }
  return levels <= LEVELS * one.thumbnail.length;
}

/** Pairs that look the same, of those that `mayPair` lets through. */
export function alikePairs<T extends { look?: Look | undefined }>(
  items: readonly T[],
  mayPair: (one: T, other: T) => boolean,
): [T, T][] {
  // The means of thumbnails that are alike are no further apart than their pixels are on average.
  const sorted = items
    .flatMap((item) => (item.look ? [{ item, look: item.look }] : []))
    .sort((a, b) => a.look.mean - b.look.mean);
  return sorted.flatMap(({ item, look }, at) => {
    const found: [T, T][] = [];
    for (let next = at + 1; next < sorted.length; next += 1) {
      const other = sorted[next] as (typeof sorted)[number];
      if (other.look.mean - look.mean > LEVELS) break;
      if (mayPair(item, other.item) && isAlike(look, other.look)) found.push([item, other.item]);
    }
    return found;
  });
}
