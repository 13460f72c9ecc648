// Copies of bytes for other threads, made piece by piece so that this thread goes on in between.

import { setImmediate as nextTurn } from 'node:timers/promises';

/** Bytes copied between two looks at the event loop: a few milliseconds' worth. */
const PIECE_BYTES = 16 * 1024 * 1024;

async function copiedInto(copy: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (at > 0) await nextTurn();
    copy.set(bytes.subarray(at, at + PIECE_BYTES), at);
  }
  return copy;
}

/**
 * A copy that threads share. The bytes themselves cannot be given away: they belong to a message or to the addon.
 */
export async function copiedShared(bytes: Uint8Array): Promise<Uint8Array> {
  return copiedInto(new Uint8Array(new SharedArrayBuffer(bytes.length)), bytes);
}

/** A copy that is alone in its buffer, and can be given away. */
export async function copiedAlone(bytes: Uint8Array): Promise<Uint8Array> {
  return copiedInto(new Uint8Array(bytes.length), bytes);
}
