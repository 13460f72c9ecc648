import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pixels } from '../../imaging/pixels';

/** Pixels hashed between two looks at the event loop: a few milliseconds' worth. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** What an embedding depends on besides the pixels. */
export interface EmbeddingOrigin {
  baseSha256: string;
  /** `float32`, `bfloat16`, `float16`. */
  precision: string;
}

/**
 * The content address of an image's embedding: the same pixels in the same layout, base weights and precision give the
 * same id, and anything else another. SHA-256, so that nobody can make an image that takes the place of another.
 */
export async function embeddingId(pixels: Pixels, origin: EmbeddingOrigin): Promise<string> {
  const { data, width, height, channels, sampleType } = pixels;
  const hash = createHash('sha256').update(
    JSON.stringify([width, height, channels, sampleType, origin.baseSha256, origin.precision]),
  );
  for (let at = 0; at < data.length; at += CHUNK_BYTES) {
    if (at > 0) await nextTurn();
    hash.update(data.subarray(at, at + CHUNK_BYTES));
  }
  return hash.digest('base64url');
}

/** Where the engine's cache keeps it: an id that belongs to another base is not found. */
export function embeddingKey(id: string, origin: EmbeddingOrigin): string {
  return `${id}:${origin.baseSha256}:${origin.precision}`;
}
