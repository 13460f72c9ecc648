// The palette of an image file, and the file with its indices in place of its colours: decoders hand out colours only, and
// two indices may have one colour. PNG (ISO/IEC 15948, colour type 3), BMP up to 8 bits, TIFF 6.0 (photometric 3).

import { isBmp } from './bmp';
import { crc32 } from './crc32';
import { sniffFormat } from './formats';

export interface Colour {
  /** 0xRRGGBB. */
  rgb: number;
  /** 0 (transparent) to 255. */
  alpha: number;
}

export interface Indexed {
  palette: Colour[];
  /** The same image with the grey (i, i, i) for index i, opaque. */
  bytes: Buffer;
}

/** Undefined for an image without palette, or with a damaged one, which its decoder names. */
export function readIndexed(bytes: Buffer): Indexed | undefined {
  try {
    if (isBmp(bytes)) return indexedBmp(bytes);
    const format = sniffFormat(bytes);
    return format === 'PNG' ? indexedPng(bytes) : format === 'TIFF' ? indexedTiff(bytes) : undefined;
  } catch (error) {
    // An offset that points outside of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const rgbOf = (red = 0, green = 0, blue = 0): number => (red << 16) | (green << 8) | blue;

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(data.length + 12);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, 'latin1');
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, data.length + 8)), data.length + 8);
  return chunk;
}

function indexedPng(bytes: Buffer): Indexed | undefined {
  if (bytes.readUInt8(25) !== 3) return undefined;
  const pieces = [bytes.subarray(0, 8)];
  let colours: Buffer = Buffer.alloc(0);
  let alphas: Buffer = Buffer.alloc(0);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const data = bytes.subarray(at + 8, end - 4);
    if (type === 'tRNS') alphas = data;
    else if (type === 'PLTE') {
      colours = data;
      const greys = Buffer.from(data.map((_, index) => Math.floor(index / 3)));
      pieces.push(pngChunk('PLTE', greys));
    } else pieces.push(bytes.subarray(at, end));
    at = end;
  }
  const palette = Array.from({ length: Math.floor(colours.length / 3) }, (_, index) => ({
    rgb: rgbOf(...colours.subarray(3 * index, 3 * index + 3)),
    alpha: alphas[index] ?? 255,
  }));
  return { palette, bytes: Buffer.concat(pieces) };
}

function indexedBmp(bytes: Buffer): Indexed | undefined {
  const headerBytes = bytes.readUInt32LE(14);
  // OS/2's header of 12 bytes has entries of three bytes and no count of colours.
  const old = headerBytes === 12;
  const bits = bytes.readUInt16LE(old ? 24 : 28);
  if (bits > 8) return undefined;
  const entryBytes = old ? 3 : 4;
  const count = Math.min((old ? 0 : bytes.readUInt32LE(46)) || 1 << bits, 1 << bits);
  const changed = Buffer.from(bytes);
  const palette = Array.from({ length: count }, (_, index) => {
    const at = 14 + headerBytes + entryBytes * index;
    const rgb = rgbOf(bytes.readUInt8(at + 2), bytes.readUInt8(at + 1), bytes.readUInt8(at));
    changed.fill(index, at, at + 3);
    return { rgb, alpha: 255 };
  });
  return { palette, bytes: changed };
}

const COLOR_MAP = 320;
const PHOTOMETRIC = 262;
const PALETTE_COLOUR = 3;

function indexedTiff(bytes: Buffer): Indexed | undefined {
  const little = bytes.readUInt8(0) === 0x49;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = (at: number): number => view.getUint16(at, little);
  const long = (at: number): number => view.getUint32(at, little);
  const whole = (at: number): number => Number(view.getBigUint64(at, little));
  const big = short(2) === 43;
  const directory = big ? whole(8) : long(4);
  const [count, first, entryBytes] = big
    ? [whole(directory), directory + 8, 20]
    : [short(directory), directory + 2, 12];
  const entryOf = (tag: number): number | undefined => {
    for (let index = 0; index < count; index += 1) {
      if (short(first + index * entryBytes) === tag) return first + index * entryBytes;
    }
    return undefined;
  };
  const photometric = entryOf(PHOTOMETRIC);
  const map = entryOf(COLOR_MAP);
  if (photometric === undefined || map === undefined) return undefined;
  if (short(photometric + (big ? 12 : 8)) !== PALETTE_COLOUR) return undefined;
  const entries = (big ? whole(map + 4) : long(map + 4)) / 3;
  const at = big ? whole(map + 12) : long(map + 8);
  const changed = Buffer.from(bytes);
  const target = new DataView(changed.buffer, changed.byteOffset, changed.byteLength);
  const palette = Array.from({ length: Math.min(entries, 256) }, (_, index) => {
    const bands = [0, 1, 2].map((band) => at + 2 * (band * entries + index));
    const [red, green, blue] = bands.map((band) => short(band) >> 8);
    for (const band of bands) target.setUint16(band, index * 257, little);
    return { rgb: rgbOf(red, green, blue), alpha: 255 };
  });
  return { palette, bytes: changed };
}
