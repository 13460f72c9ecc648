// Masks as PNG of one bit a pixel (ISO/IEC 15948), an eighth of what a byte a pixel gives the compressor to read. sharp writes
// one bit only by way of a palette, which it first computes from the pixels, and takes five to ten times as long.

import * as zlib from 'node:zlib';
import { promisify } from 'node:util';
import { crc32 as ownCrc32 } from './crc32';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** One bit, grey, deflate, adaptive filters, not interlaced. */
const FORMAT = [1, 0, 0, 0, 0];
/** Bits are runs already: further effort takes longer and saves little. */
const LEVEL = 1;

const deflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.deflate);
// Node's own came with 20.15 and 22.2, after the oldest Node that the package allows.
const crc32 = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32 ?? ownCrc32;

/**
 * The rows of a mask as a PNG compresses them: a filter byte (0, none), then a bit for each pixel, the first in the most
 * significant bit; what is left of the last byte is 0.
 */
export function packRows(mask: Uint8Array, width: number, height: number): Uint8Array {
  const rowBytes = Math.ceil(width / 8);
  const packed = new Uint8Array((rowBytes + 1) * height);
  const aligned = width % 8 === 0 && mask.byteOffset % 4 === 0;
  if (aligned) packWords(new Uint32Array(mask.buffer, mask.byteOffset, mask.length / 4), packed, rowBytes);
  else packPixels(mask, packed, { width, height, rowBytes });
  return packed;
}

/** Whether words hold the first pixel in their lowest byte, as on every processor that LibTorch runs on. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The four pixels of a word, not 0 or 0, as four bits, the first one the highest. */
function bitsOf(word: number): number {
  const ones = ((((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word) >>> 7) & 0x01010101;
  // Brings the bits 0, 8, 16 and 24 to 27, 26, 25 and 24; nothing is carried.
  return LITTLE_ENDIAN ? (Math.imul(ones, 0x08040201) >>> 24) & 15 : (Math.imul(ones, 0x01020408) >>> 24) & 15;
}

function packWords(words: Uint32Array, packed: Uint8Array, rowBytes: number): void {
  let from = 0;
  for (let to = 0; to < packed.length; to += 1) {
    if (to % (rowBytes + 1) === 0) continue;
    packed[to] = (bitsOf(words[from] as number) << 4) | bitsOf(words[from + 1] as number);
    from += 2;
  }
}

function packPixels(
  mask: Uint8Array,
  packed: Uint8Array,
  { width, height, rowBytes }: { width: number; height: number; rowBytes: number },
): void {
  for (let y = 0; y < height; y += 1) {
    const row = y * (rowBytes + 1) + 1;
    for (let x = 0; x < width; x += 1) {
      if (mask[y * width + x]) packed[row + (x >> 3)] = (packed[row + (x >> 3)] as number) | (0x80 >> (x & 7));
    }
  }
}

/** A PNG of one bit a pixel, 0 background and 1 foreground, compressed on another thread. @param rows of packRows() */
export async function pngOfRows(rows: Uint8Array, width: number, height: number): Promise<Buffer> {
  return assemble(await deflate(rows, { level: LEVEL }), width, height);
}

/** The same on this thread. */
export function pngOfRowsSync(rows: Uint8Array, width: number, height: number): Buffer {
  return assemble(zlib.deflateSync(rows, { level: LEVEL }), width, height);
}

function assemble(compressed: Buffer, width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set(FORMAT, 8);
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', compressed), chunk('IEND', Buffer.alloc(0))]);
}

/** Length, name, data, and a checksum over name and data. */
function chunk(name: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(name, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}
