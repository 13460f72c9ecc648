// Makes image files for tests, byte by byte where no encoder would write them.

import { deflateSync } from 'node:zlib';

const PNG_SIGNATURE = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1');

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, tail]);
}

/** PNG colour types. */
export const GREY = 0;
export const RGB = 2;
export const GREY_ALPHA = 4;
export const RGBA = 6;

/** A PNG with the given big-endian sample bytes; `chunks` go between header and data. */
export function png(
  width: number,
  height: number,
  colourType: number,
  bitDepth: 8 | 16,
  samples: Buffer,
  chunks: Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bitDepth;
  header[9] = colourType;
  const rowBytes = samples.length / height;
  const rows = Array.from({ length: samples.length ? height : 0 }, (_, y) =>
    Buffer.concat([Buffer.from([0]), samples.subarray(y * rowBytes, (y + 1) * rowBytes)]),
  );
  return Buffer.concat([
    PNG_SIGNATURE,
    pngChunk('IHDR', header),
    ...chunks,
    pngChunk('IDAT', deflateSync(Buffer.concat(rows))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

export interface TiffPage {
  width: number;
  height: number;
  bits: number;
  /** 1 unsigned, 2 signed, 3 float, 6 complex. */
  sampleFormat: 1 | 2 | 3 | 6;
  /** Little-endian samples, one per pixel. */
  data: Buffer;
  /** NewSubfileType; absent: the tag is. */
  subfileType?: number;
  /** Colours of a palette, 0xRRGGBB; absent: grey. */
  palette?: readonly number[];
}

/** The color map of TIFF 6.0: all reds, all greens, all blues, 16 bits each. */
function colourMap(palette: readonly number[], bits: number): Buffer {
  const entries = 1 << bits;
  const map = Buffer.alloc(6 * entries);
  palette.forEach((rgb, index) => {
    [16, 8, 0].forEach((shift, band) => map.writeUInt16LE(((rgb >> shift) & 255) * 257, 2 * (band * entries + index)));
  });
  return map;
}

/** An uncompressed little-endian grey or palette TIFF with one or more pages. */
export function tiff(...pages: TiffPage[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0])];
  let offset = 8;
  pages.forEach(({ width, height, bits, sampleFormat, data, subfileType, palette }, page) => {
    const map = palette ? colourMap(palette, bits) : Buffer.alloc(0);
    const directoryBytes = 2 + 12 * (10 + (subfileType === undefined ? 0 : 1) + (palette ? 1 : 0)) + 4;
    const entries: [tag: number, long: boolean, value: number][] = [
      ...(subfileType === undefined ? [] : [[254, true, subfileType] as [number, boolean, number]]),
      [256, false, width],
      [257, false, height],
      [258, false, bits],
      [259, false, 1],
      [262, false, palette ? 3 : 1],
      [273, true, offset + directoryBytes],
      [277, false, 1],
      [278, false, height],
      [279, true, data.length],
      ...(palette ? ([[320, false, offset + directoryBytes + data.length]] as [number, boolean, number][]) : []),
      [339, false, sampleFormat],
    ];
    const directory = Buffer.alloc(directoryBytes);
    directory.writeUInt16LE(entries.length, 0);
    entries.forEach(([tag, long, value], index) => {
      const at = 2 + 12 * index;
      directory.writeUInt16LE(tag, at);
      directory.writeUInt16LE(long ? 4 : 3, at + 2);
      directory.writeUInt32LE(tag === 320 ? map.length / 2 : 1, at + 4);
      directory.writeUInt32LE(value, at + 8);
    });
    offset += directoryBytes + data.length + map.length;
    directory.writeUInt32LE(page === pages.length - 1 ? 0 : offset, directoryBytes - 4);
    parts.push(directory, data, map);
  });
  return Buffer.concat(parts);
}
