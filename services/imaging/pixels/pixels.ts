/** Element type of samples; multi-byte samples are little endian. */
export type SampleType = 'uint8' | 'uint16' | 'float32';

/** Bytes of a sample. */
export const SAMPLE_BYTES: Readonly<Record<SampleType, number>> = { uint8: 1, uint16: 2, float32: 4 };

/** The stored values that are black and white on a display. */
export interface ValueWindow {
  low: number;
  high: number;
}

/** Interleaved pixels, rows from the top, no row padding, upright. Structurally what the addon takes. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
  channels: 1 | 2 | 3 | 4;
  /** uint16 uses its whole range; float32 is on the 0-255 scale. */
  sampleType: SampleType;
  /**
   * The window that the image itself names, as DICOM does; with it values are levels of a display, which models that do not say
   * otherwise see rounded to 8 bits. Absent: none.
   */
  window?: ValueWindow;
}

/** All of 16 bits: display levels that keep what 8 bits would round away. */
export const DISPLAY_LEVELS: ValueWindow = { low: 0, high: 65_535 };

/** The samples of `pixels` as stored, and what brings them to the 0-255 scale; a view where the type allows it, else a copy. */
export function samples(pixels: Pixels): { values: ArrayLike<number>; scale: number } {
  const { data, sampleType } = pixels;
  if (sampleType === 'uint8') return { values: data, scale: 1 };
  const bytes = sampleType === 'uint16' ? 2 : 4;
  // A typed array needs an aligned start; buffers of Node's pool do not promise one.
  const aligned = data.byteOffset % bytes === 0 ? data : data.slice();
  const count = Math.floor(aligned.byteLength / bytes);
  return sampleType === 'uint16'
    ? { values: new Uint16Array(aligned.buffer, aligned.byteOffset, count), scale: 1 / 257 }
    : { values: new Float32Array(aligned.buffer, aligned.byteOffset, count), scale: 1 };
}

/** The levels of 8 bits that the values of a window are rounded to; without a window, of the type's own range. */
export function roundedLevels(pixels: Pixels): Uint8Array<ArrayBuffer> {
  const { values, scale } = samples(pixels);
  const { low, high } = pixels.window ?? { low: 0, high: 255 / scale };
  // Out of range is clamped; of two whole numbers alike near, the upper is taken, as native code does.
  const levelOf = (value: number): number =>
    Math.floor(255 * Math.min(1, Math.max(0, (value - low) / (high - low))) + 0.5);
  const levels = new Uint8Array(values.length);
  for (let at = 0; at < levels.length; at += 1) levels[at] = levelOf(values[at] ?? 0);
  return levels;
}

/** An 8-bit RGB copy for drawing on: alpha dropped, grey repeated, 16 bit scaled by 1/257, float clamped. */
export function toRgb8(pixels: Pixels): Uint8ClampedArray {
  const { values, scale } = samples(pixels);
  const { width, height, channels } = pixels;
  const colour = channels >= 3;
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const from = pixel * channels;
    for (let band = 0; band < 3; band += 1) {
      rgb[pixel * 3 + band] = (values[from + (colour ? band : 0)] ?? 0) * scale;
    }
  }
  return rgb;
}

/** One byte per pixel, 0 or 1, rows from the top. */
export interface Mask {
  mask: Uint8Array;
  width: number;
  height: number;
}
