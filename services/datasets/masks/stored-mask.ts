// A mask file with its samples as they are stored: indices of a palette, grey values, or colours.

import sharp from 'sharp';
import { isBmp, readBmpAlpha } from '../../imaging/bmp';
import { DEFAULT_LIMITS } from '../../imaging/decode';
import { isDicom, storedPixels } from '../../imaging/dicom';
import { readIndexed } from '../../imaging/palette';
import type { Pixels } from '../../imaging/pixels/pixels';
import { readTiffPages } from '../../imaging/tiff';
import { decodeDataFile, decodeStoredDicom } from '../files/data-file';
import type { StoredMask } from './stored-values';
import { decodeWideMask } from './wide-mask';

/** Bands of a lossy grey image that was stored as RGB differ by no more. */
const GREY_TOLERANCE = 24;
/** With so few colours an image without loss was drawn, and every one of them is meant. */
export const DRAWN_COLOURS = 32;

/**
 * @param bytes given away: of DICOM files they are empty afterwards
 * @throws InvalidInputError (UNSUPPORTED_IMAGE, INVALID_ARGUMENT) when the file is no image
 */
export async function decodeStoredMask(bytes: Buffer): Promise<StoredMask> {
  const indexed = readIndexed(bytes);
  if (indexed) {
    const pixels = await decodeDataFile(indexed.bytes);
    const { width, height } = pixels;
    const values = bandOf(pixels, 0);
    return { width, height, kind: 'palette', values, scale: 255, lossy: false, palette: indexed.palette };
  }
  if (isBmp(bytes)) {
    const alpha = readBmpAlpha(bytes, DEFAULT_LIMITS);
    return { ...greyOrColour(await decodeDataFile(bytes), false, 8), ...(alpha ? { alpha } : {}) };
  }
  if (isDicom(bytes)) return decodeDicom(bytes);
  const wide = await decodeWideMask(bytes);
  if (wide) return wide;
  const [alpha, lossy] = [await readAlpha(bytes), await isLossy(bytes)];
  const pixels = await decodeDataFile(bytes);
  return { ...greyOrColour(pixels, lossy, await bitsOf(pixels, bytes)), ...(alpha ? { alpha } : {}) };
}

/** A DICOM image; of a palette the indices, as grey. */
async function decodeDicom(bytes: Buffer): Promise<StoredMask> {
  const frame = await decodeStoredDicom(bytes);
  const { lossy, bitsStored, signed } = frame;
  const stored = greyOrColour(storedPixels(frame), lossy, 8);
  return stored.kind === 'colour' ? stored : { ...stored, scale: 2 ** (signed ? bitsStored - 1 : bitsStored) - 1 };
}

async function readAlpha(bytes: Buffer): Promise<Uint8Array | undefined> {
  const header = await sharp(bytes)
    .metadata()
    .catch(() => undefined);
  if (header?.hasAlpha !== true) return undefined;
  const alpha = await sharp(bytes, { ignoreIcc: true })
    .autoOrient()
    .extractChannel('alpha')
    .raw({ depth: header.depth === 'ushort' ? 'ushort' : 'uchar' })
    .toBuffer()
    // What is wrong with the file is said where its colours are decoded.
    .catch(() => undefined);
  if (alpha === undefined) return undefined;
  const wide = header.depth === 'ushort';
  const values = wide ? Uint8Array.from({ length: alpha.length / 2 }, (_, at) => alpha[2 * at + 1] ?? 0) : alpha;
  return values.every((value) => value === 255) ? undefined : values;
}

async function isLossy(bytes: Buffer): Promise<boolean> {
  if (bytes[0] === 0xff) return true;
  const header = await sharp(bytes)
    .metadata()
    .catch(() => undefined);
  // Of WebP the chunk "VP8 " holds what is compressed with loss, "VP8L" what is not.
  if (header?.format === 'webp') return bytes.subarray(0, 4096).includes('VP8 ', 0, 'latin1');
  return header?.format === 'tiff' && (header.compression as string | undefined) === 'jpeg';
}

/** Bits of a grey PNG or TIFF that its decoder spreads over 8. */
async function bitsOf({ sampleType, channels }: Pixels, bytes: Buffer): Promise<number> {
  if (sampleType !== 'uint8' || channels !== 1 || bytes.length === 0) return 8;
  const header = await sharp(bytes)
    .metadata()
    .catch(() => undefined);
  if (header?.format === 'tiff') return Math.min(8, readTiffPages(bytes)?.[0]?.bits ?? 8);
  return header?.format === 'png' ? (bytes[24] ?? 8) : 8;
}

const BANDS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array } as const;
type Band = Uint8Array | Uint16Array | Float32Array;

/** Samples of the file's own type, all bands. */
function samplesOf({ data, sampleType }: Pixels): Band {
  if (sampleType === 'uint8') return data;
  const bytes = Uint8Array.from(data);
  return sampleType === 'uint16' ? new Uint16Array(bytes.buffer) : new Float32Array(bytes.buffer);
}

/** One band in the type of its samples: as doubles those of a slide would take half a gigabyte. */
function bandOf(pixels: Pixels, band: number): Band {
  const samples = samplesOf(pixels);
  const { channels, width, height, sampleType } = pixels;
  if (channels === 1) return samples.subarray(0, width * height);
  const values = new BANDS[sampleType](width * height);
  for (let at = 0; at < values.length; at += 1) values[at] = samples[at * channels + band] ?? 0;
  return values;
}

function greyOrColour(pixels: Pixels, lossy: boolean, bits: number): StoredMask {
  const { width, height, channels, sampleType } = pixels;
  const first = bandOf(pixels, 0);
  const step = 255 / ((1 << bits) - 1);
  const values = step === 1 ? first : first.map((value) => Math.round(value / step));
  const scale = sampleType === 'uint16' ? 65535 : sampleType === 'uint8' ? (1 << bits) - 1 : floatScale(first);
  const grey: StoredMask = { width, height, kind: 'grey', values, scale, lossy };
  if (channels < 3) return grey;
  const [green, blue] = [bandOf(pixels, 1), bandOf(pixels, 2)];
  let apart = 0;
  for (let at = 0; at < first.length; at += 1) {
    const [r, g, b] = [first[at] as number, green[at] as number, blue[at] as number];
    apart = Math.max(apart, Math.max(r, g, b) - Math.min(r, g, b));
  }
  if (apart === 0) return grey;
  const byte = scale === 65535 ? 257 : 1;
  const level = (value = 0): number => Math.round(value / byte);
  const colours = sampleType === 'float32' ? new Float64Array(first.length) : new Uint32Array(first.length);
  for (let at = 0; at < colours.length; at += 1) {
    colours[at] = level(first[at]) * 65536 + level(green[at]) * 256 + level(blue[at]);
  }
  // A JPEG of a grey mask, or what somebody made of one.
  const many = lossy || new Set(colours).size > DRAWN_COLOURS;
  if (many && apart <= GREY_TOLERANCE * byte) return grey;
  return { ...grey, kind: 'colour', values: colours, scale: 0xffffff };
}

function floatScale(values: Band): number {
  return values.every((value) => value <= 1) ? 1 : 255;
}
