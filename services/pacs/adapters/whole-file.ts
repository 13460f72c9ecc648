// Whether a file holds its pixels up to their end. Over the network an object is whole or aborted; a file may have been cut short.

import { open, type FileHandle } from 'node:fs/promises';
import type { PixelPlace } from '../domain/instance-header';

const ITEM = 0xfffee000;
const DELIMITER = 0xfffee0dd;
const ITEM_BYTES = 8;

/** Where the fragments end; undefined where the file ends before their delimiter. */
async function endOfFragments(file: FileHandle, from: number, bytes: number): Promise<number | undefined> {
  const header = Buffer.alloc(ITEM_BYTES);
  for (let at = from; at + ITEM_BYTES <= bytes;) {
    await file.read(header, 0, ITEM_BYTES, at);
    const tag = header.readUInt16LE(0) * 0x10000 + header.readUInt16LE(2);
    at += ITEM_BYTES;
    if (tag === DELIMITER) return at;
    if (tag !== ITEM) return undefined;
    at += header.readUInt32LE(4);
  }
  return undefined;
}

/** @param bytes length of the file */
export async function holdsPixels(path: string, pixels: PixelPlace, bytes: number): Promise<boolean> {
  if (pixels.length !== undefined) return pixels.offset + pixels.length <= bytes;
  const file = await open(path, 'r');
  try {
    return (await endOfFragments(file, pixels.offset, bytes)) !== undefined;
  } finally {
    await file.close();
  }
}
