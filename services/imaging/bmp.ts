// BMP, which some data sets keep their masks in. It is read for training only: the services take the formats of decode.ts.
// The libraries that were tried misread files of such sets: bmp-ts ignores where the pixels begin and loses some of one bit,
// fast-bmp ignores the palette.

import { automedError, type AutomedError } from '../common/errors';
import type { DecodeLimits } from './decode';
import type { Pixels } from './pixels';

/** Up to the field that says how many colours the palette has. */
const HEADER_BYTES = 50;
/** The file's own header, before the one that describes the image. */
const FILE_HEADER_BYTES = 14;

interface Layout {
  width: number;
  height: number;
  bits: number;
  /** The first row stored is the uppermost one. */
  topDown: boolean;
  /** Where the pixels begin. */
  offset: number;
  rowBytes: number;
  /** Blue, green, red, unused for each index. */
  palette: Buffer;
}

export function isBmp(bytes: Buffer): boolean {
  return bytes.length >= 2 && bytes.toString('latin1', 0, 2) === 'BM';
}

function unreadable(why: string): AutomedError {
  return automedError('UNSUPPORTED_IMAGE', `The BMP image cannot be read: ${why}.`, { field: 'image' });
}

/** Checks what the header promises against the file, so that nothing is allocated for a file that cannot hold it. */
function readLayout(bytes: Buffer, { maxPixels }: DecodeLimits): Layout {
  if (bytes.length < HEADER_BYTES) throw unreadable('its header is damaged or cut short');
  const [width, signedHeight] = [bytes.readInt32LE(18), bytes.readInt32LE(22)];
  const [bits, compression, colours] = [bytes.readUInt16LE(28), bytes.readUInt32LE(30), bytes.readUInt32LE(46)];
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0) throw unreadable(`its size is ${width} x ${height}`);
  if (width * height > maxPixels) {
    throw automedError(
      'INVALID_ARGUMENT',
      `The image is ${width} x ${height}; at most ${maxPixels} pixels are accepted.`,
      { field: 'image' },
    );
  }
  if (compression !== 0) throw unreadable('it is compressed');
  if (![1, 4, 8, 24, 32].includes(bits)) throw unreadable(`it has ${bits} bits for a pixel`);
  const offset = bytes.readUInt32LE(10);
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  if (offset + rowBytes * height > bytes.length) throw unreadable('its data is damaged or cut short');
  const paletteBytes = bits > 8 ? 0 : 4 * Math.min(colours || 1 << bits, 1 << bits);
  const paletteAt = FILE_HEADER_BYTES + bytes.readUInt32LE(14);
  if (paletteAt + paletteBytes > offset) throw unreadable('its palette is damaged');
  const palette = bytes.subarray(paletteAt, paletteAt + paletteBytes);
  return { width, height, bits, topDown: signedHeight < 0, offset, rowBytes, palette };
}

/**
 * Decodes an uncompressed BMP to 8-bit RGB, rows from the top, without alpha. It runs on the calling thread.
 * @throws InvalidInputError (UNSUPPORTED_IMAGE, INVALID_ARGUMENT) on field `image`
 */
export function decodeBmp(bytes: Buffer, limits: DecodeLimits): Pixels {
  const { width, height, bits, topDown, offset, rowBytes, palette } = readLayout(bytes, limits);
  const data = new Uint8Array(width * height * 3);
  const colours = bits > 8 ? bytes : palette;
  let to = 0;
  for (let y = 0; y < height; y += 1) {
    const row = offset + (topDown ? y : height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x += 1, to += 3) {
      const at = bits > 8 ? row + (x * bits) / 8 : 4 * indexAt(bytes, row, x, bits);
      if (at + 2 >= colours.length) throw unreadable('it uses a colour that its palette lacks');
      data[to] = colours[at + 2] as number;
      data[to + 1] = colours[at + 1] as number;
      data[to + 2] = colours[at] as number;
    }
  }
  return { data, width, height, channels: 3, sampleType: 'uint8' };
}

/** Index into the palette of the pixel in column `x` of the row at `row`. */
function indexAt(bytes: Buffer, row: number, x: number, bits: number): number {
  const bit = x * bits;
  const byte = bytes[row + (bit >> 3)] as number;
  return (byte >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
}
