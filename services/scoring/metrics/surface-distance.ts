// How far the outlines of two masks are apart, in pixels of the image.

import { quantile } from './bootstrap';

export interface SurfaceDistances {
  /** 95th percentile of the distances from one outline to the other, the larger of both directions. */
  hd95Px: number;
  /** Mean over both outlines of the distance to the other. */
  asdPx: number;
}

interface Window {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Foreground pixels with background, or the border of the image, beside them. */
function outline(mask: Uint8Array, width: number, height: number): number[] {
  const found: number[] = [];
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 1) {
      if (!mask[at]) continue;
      const inside = x > 0 && y > 0 && x < width - 1 && y < height - 1;
      if (!inside || !mask[at - 1] || !mask[at + 1] || !mask[at - width] || !mask[at + width]) found.push(at);
    }
  }
  return found;
}

/** The smallest window that holds all of the pixels: nothing outside of it matters. */
function windowOf(pixels: readonly number[], width: number): Window {
  let [left, right, top, bottom] = [Infinity, -1, Infinity, -1];
  for (const pixel of pixels) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Room for one pass over a row or column. */
interface Scratch {
  values: Float64Array;
  corners: Uint32Array;
  bounds: Float64Array;
}

/**
 * Replaces `count` values, `stride` apart, by the lower envelope of the parabolas that stand on them (Felzenszwalb and
 * Huttenlocher, Distance Transforms of Sampled Functions, 2012).
 */
function envelope(map: Float64Array, begin: number, count: number, stride: number, scratch: Scratch): void {
  const { values, corners, bounds } = scratch;
  let last = -1;
  for (let at = 0; at < count; at += 1) {
    const value = map[begin + at * stride] ?? Infinity;
    values[at] = value;
    if (value === Infinity) continue;
    let from = -Infinity;
    while (last >= 0) {
      const other = corners[last] ?? 0;
      from = (value + at * at - ((values[other] ?? 0) + other * other)) / (2 * (at - other));
      if (from > (bounds[last] ?? 0)) break;
      last -= 1;
    }
    last += 1;
    corners[last] = at;
    bounds[last] = last === 0 ? -Infinity : from;
  }
  if (last < 0) return;
  for (let at = 0, part = 0; at < count; at += 1) {
    while (part < last && (bounds[part + 1] ?? Infinity) < at) part += 1;
    const corner = corners[part] ?? 0;
    map[begin + at * stride] = (at - corner) ** 2 + (values[corner] ?? 0);
  }
}

/** Of each pixel of the window the squared distance to the nearest of `pixels`. */
function squaredDistances(pixels: readonly number[], imageWidth: number, window: Window): Float64Array {
  const { width, height } = window;
  const map = new Float64Array(width * height).fill(Infinity);
  for (const pixel of pixels) map[indexIn(pixel, imageWidth, window)] = 0;
  const longest = Math.max(width, height);
  const scratch = {
    values: new Float64Array(longest),
    corners: new Uint32Array(longest),
    bounds: new Float64Array(longest),
  };
  for (let y = 0; y < height; y += 1) envelope(map, y * width, width, 1, scratch);
  for (let x = 0; x < width; x += 1) envelope(map, x, height, width, scratch);
  return map;
}

function indexIn(pixel: number, imageWidth: number, { left, top, width }: Window): number {
  return (Math.floor(pixel / imageWidth) - top) * width + (pixel % imageWidth) - left;
}

/** 0 for two empty masks; nothing when only one of them is empty: there is no distance to nothing. */
export function surfaceDistances(
  predicted: Uint8Array,
  truth: Uint8Array,
  width: number,
  height: number,
): SurfaceDistances | undefined {
  const [drawn, real] = [outline(predicted, width, height), outline(truth, width, height)];
  if (drawn.length === 0 && real.length === 0) return { hd95Px: 0, asdPx: 0 };
  if (drawn.length === 0 || real.length === 0) return undefined;
  const window = windowOf(drawn.concat(real), width);
  const between = (from: readonly number[], to: readonly number[]): Float64Array => {
    const map = squaredDistances(to, width, window);
    return Float64Array.from(from, (pixel) => Math.sqrt(map[indexIn(pixel, width, window)] ?? 0)).sort();
  };
  const [there, back] = [between(drawn, real), between(real, drawn)];
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  return {
    hd95Px: Math.max(quantile(there, CLOSE), quantile(back, CLOSE)),
    asdPx: (sum(there) + sum(back)) / (there.length + back.length),
  };
}

const CLOSE = 0.95;
