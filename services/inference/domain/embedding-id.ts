import { createHash, subtle } from 'node:crypto';
import { roundedLevels, SAMPLE_BYTES, type Pixels } from '../../imaging/pixels/pixels';
import type { InputRule } from '../../store';

/** Pixels hashed at a time: the copy that hashing on another thread takes holds up this one no longer than a millisecond. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** What an embedding depends on besides the pixels. */
export interface EmbeddingOrigin {
  baseSha256: string;
  /** `float32`, `bfloat16`, `float16`. */
  precision: string;
  /** How the encoder's images are prepared (inputRuleText). */
  preprocessing: string;
}

/** Whether an encoder sees levels of a window (Pixels.window) as they are. */
function isExact(preprocessing: string): boolean {
  return (JSON.parse(preprocessing) as InputRule).levels === 'exact';
}

/**
 * The content address of an image's embedding: the same pixels in the same layout, base weights, precision and
 * preprocessing give the same id, and anything else another. Levels that the encoder sees rounded to 8 bits are the pixels of 8
 * bits. SHA-256, so that nobody can make an image that takes the place of another: of all that, and of the digests of the pixels'
 * pieces, which threads of Node compute.
 */
export async function embeddingId(pixels: Pixels, origin: EmbeddingOrigin): Promise<string> {
  const { data, width, height, channels, sampleType, window } = pixels;
  const { baseSha256, precision, preprocessing } = origin;
  const rounded = window !== undefined && !isExact(preprocessing);
  const layout = [width, height, channels, rounded ? 'uint8' : sampleType];
  const range = rounded || window === undefined ? [] : [window.low, window.high];
  const hash = createHash('sha256').update(JSON.stringify([...layout, ...range, baseSha256, precision, preprocessing]));
  // Pieces of what is addressed, so that ids do not depend on the depth that it came in.
  const stride = rounded ? PIECE_BYTES * SAMPLE_BYTES[sampleType] : PIECE_BYTES;
  for (let at = 0; at < data.length; at += stride) {
    const part = data.subarray(at, at + stride);
    const piece = rounded ? roundedLevels({ ...pixels, data: part }) : part;
    hash.update(new Uint8Array(await subtle.digest('SHA-256', piece)));
  }
  return hash.digest('base64url');
}

/** Where the engine's cache keeps it: an id that belongs to another base is not found. */
export function embeddingKey(id: string, origin: EmbeddingOrigin): string {
  return `${id}:${origin.baseSha256}:${origin.precision}:${origin.preprocessing}`;
}
