/** Element type of raw pixels. Multi-byte samples are little endian. */
export type SampleType = 'uint8' | 'uint16' | 'float32';

/** The stored values that are black and white on a display. */
export interface ValueWindow {
  /** Becomes 0; above `high` it inverts. Not equal to it; both in [-1e9, 1e9]. */
  low: number;
  /** Becomes 255. */
  high: number;
}

/** Interleaved pixels: height x width x channels, rows from the top, no row padding. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. Alpha is dropped, grey is repeated. */
  channels: number;
  /** uint16 is scaled by 1/257, float32 is on the 0-255 scale and must be finite. */
  sampleType: SampleType;
  /**
   * What the image itself says of its values, as DICOM does; it then stands for the type's own rule. Models whose preprocessing
   * does not say `"levels": "exact"` see the result rounded to 8 bits. Absent or null: none.
   */
  window?: ValueWindow | null | undefined;
}

export interface DrawnMask {
  /** One byte per pixel, 0 or 1, height x width of the original image. */
  mask: Buffer;
  width: number;
  height: number;
  areaPx: number;
  /** x, y, width, height in pixels; null when the mask is empty. */
  boundingBox: [number, number, number, number] | null;
  /** Mean probability of the foreground pixels; null when the mask is empty. */
  meanProbability: number | null;
  /** Null unless asked for. */
  probabilities: ProbabilityPicture | null;
}

/**
 * 255 times the probability of the structure, rounded: a byte for each pixel, rows from the top. Of the image's size; where its longest
 * side is above 1,024 pixels, scaled down to that.
 */
export interface ProbabilityPicture {
  data: Buffer;
  width: number;
  height: number;
}
