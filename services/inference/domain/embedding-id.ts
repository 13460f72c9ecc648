import { createHash, subtle } from 'node:crypto';
import type { Pixels } from '../../imaging/pixels/pixels';

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

/**
 * The content address of an image's embedding: the same pixels in the same layout, base weights, precision and
 * preprocessing give the same id, and anything else another. SHA-256, so that nobody can make an image that takes the place of another: of all
 * that, and of the digests of the pixels' pieces, which threads of Node compute.
 */
export async function embeddingId(pixels: Pixels, origin: EmbeddingOrigin): Promise<string> {
  const { data, width, height, channels, sampleType } = pixels;
  const { baseSha256, precision, preprocessing } = origin;
  const hash = createHash('sha256').update(
    JSON.stringify([width, height, channels, sampleType, baseSha256, precision, preprocessing]),
  );
  for (let at = 0; at < data.length; at += PIECE_BYTES) {
    const piece = data.subarray(at, at + PIECE_BYTES);
    hash.update(new Uint8Array(await subtle.digest('SHA-256', piece)));
  }
  return hash.digest('base64url');
}

/** Where the engine's cache keeps it: an id that belongs to another base is not found. */
export function embeddingKey(id: string, origin: EmbeddingOrigin): string {
  return `${id}:${origin.baseSha256}:${origin.precision}:${origin.preprocessing}`;
}
