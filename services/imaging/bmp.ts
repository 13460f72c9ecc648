// BMP, which some data sets keep their masks in. It is read for training only: the services take the formats of decode.ts.
// The libraries that were tried misread files of such sets: bmp-ts ignores where the pixels begin and loses some of one bit,
// fast-bmp ignores the palette.

import { automedError, type AutomedError } from '../common/errors';
import type { DecodeLimits } from './decode';
import type { Pixels } from './pixels/pixels';

/** The file's own header, before the one that describes the image. */
const FILE_HEADER_BYTES = 14;
/** BITMAPCOREHEADER of OS/2, and the least of the later ones: BITMAPINFOHEADER. */
const [CORE_BYTES, INFO_BYTES] = [12, 40];
/** BI_RGB, BI_BITFIELDS and BI_ALPHABITFIELDS of the compression field; the others compress. */
const [PLAIN, BITFIELDS, ALPHA_BITFIELDS] = [0, 3, 6];
const COMPRESSIONS: Readonly<Record<number, string>> = { 1: 'RLE8', 2: 'RLE4', 4: 'JPEG', 5: 'PNG' };

interface Layout {
  width: number;
  height: number;
  bits: number;
  /** The first row stored is the uppermost one. */
  topDown: boolean;
  /** Where the pixels begin. */
  offset: number;
  rowBytes: number;
  /** Blue, green, red and perhaps an unused byte for each index. */
  palette: Buffer;
  paletteStride: number;
  /** Where in the bytes of a pixel red, green and blue are; only of 24 and 32 bits. */
  order: readonly [red: number, green: number, blue: number];
}

interface Header {
  bytes: number;
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  compression: number;
  /** 0: as many as the bits allow. */
  colours: number;
}

export function isBmp(bytes: Buffer): boolean {
  return bytes.length >= 2 && bytes.toString('latin1', 0, 2) === 'BM';
}

function unreadable(why: string): AutomedError {
  return automedError('UNSUPPORTED_IMAGE', `The BMP image cannot be read: ${why}.`, { field: 'image' });
}

/** The header's own size says which of the formats it is. */
function readHeader(bytes: Buffer): Header {
  if (bytes.length < FILE_HEADER_BYTES + CORE_BYTES) throw unreadable('its header is damaged or cut short');
  const size = bytes.readUInt32LE(14);
  if (size === CORE_BYTES) {
    const [width, height, bits] = [bytes.readUInt16LE(18), bytes.readUInt16LE(20), bytes.readUInt16LE(24)];
    return { bytes: size, width, height, topDown: false, bits, compression: PLAIN, colours: 0 };
  }
  if (size < INFO_BYTES) throw unreadable(`its header of ${size} bytes is of no known kind`);
  if (bytes.length < FILE_HEADER_BYTES + size) throw unreadable('its header is damaged or cut short');
  const [width, height] = [bytes.readInt32LE(18), bytes.readInt32LE(22)];
  const [bits, compression, colours] = [bytes.readUInt16LE(28), bytes.readUInt32LE(30), bytes.readUInt32LE(46)];
  return { bytes: size, width, height: Math.abs(height), topDown: height < 0, bits, compression, colours };
}

function checkSize({ width, height }: Header, maxPixels: number): void {
  if (width <= 0 || height === 0) throw unreadable(`its size is ${width} x ${height}`);
  if (width * height <= maxPixels) return;
  const text = `The image is ${width} x ${height}; at most ${maxPixels} pixels are accepted.`;
  throw automedError('INVALID_ARGUMENT', text, { field: 'image' });
}

/** Order of the bytes of a pixel. Masks stand behind the first 40 bytes of the header, whatever its size. */
function byteOrder(bytes: Buffer, { bits, compression }: Header): Layout['order'] {
  if (compression === PLAIN) return [2, 1, 0];
  if (compression !== BITFIELDS && compression !== ALPHA_BITFIELDS) {
    throw unreadable(`it is compressed (${COMPRESSIONS[compression] ?? compression})`);
  }
  const masksAt = FILE_HEADER_BYTES + INFO_BYTES;
  if (bits !== 32 || masksAt + 12 > bytes.length) throw unreadable(`its colours are bit fields of ${bits} bits`);
  const order = [0, 4, 8].map((at) => [0xff, 0xff00, 0xff0000, 0xff000000].indexOf(bytes.readUInt32LE(masksAt + at)));
  if (new Set(order).size < 3 || order.includes(-1))
    throw unreadable('its colours are bit fields of other than 8 bits');
  return order as [number, number, number];
}

/** Checks what the header promises against the file, so that nothing is allocated for a file that cannot hold it. */
function readLayout(bytes: Buffer, { maxPixels }: DecodeLimits): Layout {
  const header = readHeader(bytes);
  const { width, height, topDown, bits, colours } = header;
  checkSize(header, maxPixels);
  const order = byteOrder(bytes, header);
  if (![1, 4, 8, 24, 32].includes(bits)) throw unreadable(`it has ${bits} bits for a pixel`);
  const offset = bytes.readUInt32LE(10);
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (offset + rowBytes * height > bytes.length) throw unreadable('its data is damaged or cut short');
  const paletteStride = header.bytes === CORE_BYTES ? 3 : 4;
  const most = bits > 8 ? 0 : 1 << bits;
  const paletteAt = FILE_HEADER_BYTES + header.bytes;
  // Files of OS/2 may hold fewer colours than the bits allow, and have no field that says so.
  const room = Math.floor((offset - paletteAt) / paletteStride);
  const count = header.bytes === CORE_BYTES ? Math.min(most, room) : Math.min(colours || most, most);
  if (count > room || (bits <= 8 && count <= 0)) throw unreadable('its palette is damaged');
  const palette = bytes.subarray(paletteAt, paletteAt + count * paletteStride);
  return { width, height, bits, topDown, offset, rowBytes, palette, paletteStride, order };
}

/**
 * Decodes an uncompressed BMP to 8-bit RGB, rows from the top, without alpha. It runs on the calling thread.
 * @throws InvalidInputError (UNSUPPORTED_IMAGE, INVALID_ARGUMENT) on field `image`
 */
export function decodeBmp(bytes: Buffer, limits: DecodeLimits): Pixels {
  const { width, height, bits, topDown, offset, rowBytes, palette, paletteStride, order } = readLayout(bytes, limits);
  const [red, green, blue] = order;
  const data = new Uint8Array(width * height * 3);
  const colours = bits > 8 ? bytes : palette;
  let to = 0;
  for (let y = 0; y < height; y += 1) {
    const row = offset + (topDown ? y : height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x += 1, to += 3) {
      const at = bits > 8 ? row + (x * bits) / 8 : paletteStride * indexAt(bytes, row, x, bits);
      if (at + 2 >= colours.length) throw unreadable('it uses a colour that its palette lacks');
      data[to] = colours[at + red] as number;
      data[to + 1] = colours[at + green] as number;
      data[to + 2] = colours[at + blue] as number;
    }
  }
  return { data, width, height, channels: 3, sampleType: 'uint8' };
}

/**
 * The fourth byte of the pixels of a BMP of 32 bits, rows from the top: its transparency, which no field announces before
 * version 4 of the header. Undefined where there is none, or where it is the same all over: unused bytes are.
 */
export function readBmpAlpha(bytes: Buffer, limits: DecodeLimits): Uint8Array | undefined {
  const { width, height, bits, topDown, offset, rowBytes, order } = readLayout(bytes, limits);
  if (bits !== 32) return undefined;
  const band = [0, 1, 2, 3].find((at) => !order.includes(at)) as number;
  const alpha = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const row = offset + (topDown ? y : height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x += 1) alpha[y * width + x] = bytes[row + 4 * x + band] as number;
  }
  return alpha.every((value) => value === alpha[0]) ? undefined : alpha;
}

/** Index into the palette of the pixel in column `x` of the row at `row`. */
function indexAt(bytes: Buffer, row: number, x: number, bits: number): number {
  const bit = x * bits;
  const byte = bytes[row + (bit >> 3)] as number;
  return (byte >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
}
