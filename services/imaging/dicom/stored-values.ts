// A frame as the numbers that the file stores: decompressed, in the order of bytes of this machine, unused bits removed,
// colour as RGB. Neither rescaled nor windowed.

import type { Pixels } from '../pixels/pixels';
import { DicomError } from './errors';
import { decodeCompressed } from './codecs';
import { pixelElement, type ParsedFile } from './data-set';
import { floatsOf } from './float-pixels';
import { encapsulatedFrame, nativeFormat, nativeFrame } from './frame-bytes';
import type { ImageFormat } from './header';
import { wrappedFrame } from './wrapped-frame';
import { decodeRleFrame } from './rle';

type Integers = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;
export type Values = Integers | Float32Array | Float64Array;

export interface StoredFrame {
  /** Interleaved, rows from the top. */
  values: Values;
  width: number;
  height: number;
  /** What the values are: grey levels, indices into the palette, or red, green and blue. */
  kind: 'grey' | 'palette' | 'rgb';
}

/** Stored values as pixels: negative ones, and those of 32 bits or more, as float32. */
export function storedPixels({ values, width, height, kind }: StoredFrame): Pixels {
  const channels = kind === 'rgb' ? 3 : 1;
  if (values instanceof Uint8Array) return { data: values, width, height, channels, sampleType: 'uint8' };
  const isWords = values instanceof Uint16Array;
  const { buffer, byteOffset, byteLength } = isWords ? values : new Float32Array(values);
  const data = new Uint8Array(buffer, byteOffset, byteLength);
  return { data, width, height, channels, sampleType: isWords ? 'uint16' : 'float32' };
}

/** Little-endian samples as they came, and how many of their bits count. */
interface Raw {
  bytes: Uint8Array;
  bits: number;
  shift: number;
  /** Whether colour is luma and chroma, where that is known better than from the header. */
  isYbr?: boolean | undefined;
  /** Whether nothing else holds the bytes, which begin their buffer. */
  owned?: boolean;
  /** Whether colour of a compressed frame lies plane by plane. */
  planar?: boolean;
  /** For each component its place among those that were decoded; absent: the same. */
  order?: readonly number[] | undefined;
}

/** Samples of a frame as numbers, in a buffer from its beginning. */
export function numbersIn(buffer: ArrayBufferLike, bytes: number, { bitsAllocated, signed }: ImageFormat): Integers {
  switch (bitsAllocated) {
    case 16:
      return signed ? new Int16Array(buffer, 0, bytes / 2) : new Uint16Array(buffer, 0, bytes / 2);
    case 32:
      return signed ? new Int32Array(buffer, 0, bytes / 4) : new Uint32Array(buffer, 0, bytes / 4);
    default:
      return signed ? new Int8Array(buffer, 0, bytes) : new Uint8Array(buffer, 0, bytes);
  }
}

/** Memory of so many bytes: what a caller gave for it, where that is large enough, else of its own. */
export const memoryFor = (bytes: number, into?: ArrayBufferLike): ArrayBufferLike =>
  into && into.byteLength >= bytes ? into : new ArrayBuffer(bytes);

function viewOf({ bytes, owned }: Raw, format: ImageFormat, into?: ArrayBufferLike): Integers {
  if (owned) return numbersIn(bytes.buffer, bytes.length, format);
  // A copy: the values are changed, and a typed array needs an aligned start.
  const buffer = memoryFor(bytes.length, into);
  new Uint8Array(buffer).set(bytes);
  return numbersIn(buffer, bytes.length, format);
}

/** Keeps `bits` bits from `shift` on; the highest of them is the sign of signed values. */
export function keepBits(values: Integers, { bits, shift }: Pick<Raw, 'bits' | 'shift'>, signed: boolean): void {
  const size = values.BYTES_PER_ELEMENT * 8;
  if (bits + shift >= size && shift === 0) return;
  const left = 32 - bits - shift;
  const right = 32 - bits;
  for (let at = 0; at < values.length; at += 1) {
    const moved = (values[at] as number) << left;
    values[at] = signed ? moved >> right : moved >>> right;
  }
}

function unpackBits(bytes: Uint8Array, firstBit: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => {
    const bit = firstBit + at;
    return ((bytes[bit >> 3] as number) >> (bit & 7)) & 1;
  });
}

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const copy = Buffer.from(bytes);
  return size === 4 ? copy.swap32() : copy.swap16();
}

/** Bytes of a frame that were stored as big-endian words, which may begin in the middle of one. */
function fromWords({ dataSet }: ParsedFile, bytes: Uint8Array, frame: number): Uint8Array {
  const { dataOffset } = pixelElement(dataSet);
  const first = frame * bytes.length;
  return bytes.map((_, at) => dataSet.byteArray[dataOffset + ((first + at) ^ 1)] ?? 0);
}

/** Samples of a big-endian file in little-endian order. */
function littleEndian(file: ParsedFile, bytes: Uint8Array, bitsAllocated: number, frame: number): Uint8Array {
  if (!file.syntax.bigEndian) return bytes;
  if (bitsAllocated !== 8) return swapped(bytes, bitsAllocated / 8);
  return pixelElement(file.dataSet).vr === 'OW' ? fromWords(file, bytes, frame) : bytes;
}

async function rawFrame(file: ParsedFile, format: ImageFormat, frame: number, into?: ArrayBufferLike): Promise<Raw> {
  const { width, height, samples, bitsAllocated, bitsStored, highBit, frames } = format;
  const { codec } = file.syntax;
  const shift = highBit + 1 - bitsStored;
  if (codec === undefined) {
    const bytes = nativeFrame(file.dataSet, format, frame);
    return { bytes: littleEndian(file, bytes, bitsAllocated, frame), bits: bitsStored, shift };
  }
  const encoded = encapsulatedFrame(file.dataSet, frame, frames);
  if (codec === 'bare' || codec === 'deflate') {
    return { bytes: wrappedFrame(encoded, codec, format), bits: bitsStored, shift };
  }
  if (codec === 'rle') {
    const shape = { pixels: width * height, samples, bytesPerSample: bitsAllocated / 8 };
    return { bytes: decodeRleFrame(encoded, shape), bits: bitsStored, shift, owned: true };
  }
  const { bytes, precision, ...colours } = await decodeCompressed(encoded, codec, format, (size) =>
    memoryFor(size, into),
  );
  const owned = true;
  // dcmtk compresses whole words: bits that do not count are zero above negative values too, or hold an overlay.
  if (file.syntax.lossless && precision === bitsAllocated) return { bytes, owned, bits: bitsStored, shift, ...colours };
  // What is compressed with loss may exceed the bits that the header names: white must not become black.
  return { bytes, owned, bits: Math.max(bitsStored, precision), shift: 0, ...colours };
}

const IN_ORDER = [0, 1, 2];

/**
 * Planes one after the other, or pixel by pixel, as pixels of red, green and blue.
 * @param order place of each among the planes, or within a pixel
 */
function interleaved(values: Integers, pixels: number, planar: boolean, order: readonly number[]): Integers {
  const result = values.slice();
  for (const [band, place] of order.entries()) {
    for (let pixel = 0; pixel < pixels; pixel += 1) {
      result[pixel * 3 + band] = values[planar ? place * pixels + pixel : pixel * 3 + place] as number;
    }
  }
  return result;
}

/** Y Y Cb Cr for two pixels of a row each, as Y Cb Cr for every pixel. */
function upsampled(values: Integers, pixels: number): Uint8Array {
  const result = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const pair = (pixel >> 1) * 4;
    result[pixel * 3] = values[pair + (pixel & 1)] as number;
    result[pixel * 3 + 1] = values[pair + 2] as number;
    result[pixel * 3 + 2] = values[pair + 3] as number;
  }
  return result;
}

/** YBR_FULL to RGB in place (PS3.3 C.7.6.3.1.2; ITU-R BT.601 with full range). */
function toRgb(values: Uint8Array): Uint8Array {
  const clamped = new Uint8ClampedArray(values.buffer, values.byteOffset, values.length);
  for (let at = 0; at < values.length; at += 3) {
    const luma = values[at] as number;
    const blue = (values[at + 1] as number) - 128;
    const red = (values[at + 2] as number) - 128;
    clamped[at] = luma + 1.402 * red;
    clamped[at + 1] = luma - 0.344136 * blue - 0.714136 * red;
    clamped[at + 2] = luma + 1.772 * blue;
  }
  return values;
}

function colour(values: Integers, format: ImageFormat, compressed: boolean, raw: Raw): Integers {
  const { width, height, photometric } = format;
  const pixels = width * height;
  // What the header says of planes is about pixels that are not compressed.
  const planar = (compressed ? raw.planar : format.planar) ?? false;
  const order = raw.order ?? IN_ORDER;
  const moved = planar || order.some((place, band) => place !== band);
  const isYbr = raw.isYbr ?? (photometric === 'YBR_FULL' || photometric === 'YBR_FULL_422');
  if (isYbr && !(values instanceof Uint8Array)) {
    throw new DicomError(
      'PIXEL_FORMAT',
      'The DICOM image holds luma and chroma of more than 8 bits, which is not read.',
    );
  }
  const native = !compressed && photometric === 'YBR_FULL_422' ? upsampled(values, pixels) : values;
  const ordered = moved && native === values ? interleaved(native, pixels, planar, order) : native;
  // The decoder of JPEG 2000 undoes YBR_RCT and YBR_ICT itself.
  return isYbr ? toRgb(ordered as Uint8Array) : ordered;
}

/** Whether frames are streams of a codec, which say themselves how their colour lies. */
function isCompressed({ syntax: { codec } }: ParsedFile): boolean {
  return codec !== undefined && codec !== 'bare' && codec !== 'deflate';
}

/** @throws DicomError (FRAME) for one that the image does not have */
export function checkFrame({ frames }: Pick<ImageFormat, 'frames'>, frame: number): void {
  if (Number.isInteger(frame) && frame >= 0 && frame < frames) return;
  throw new DicomError('FRAME', `The DICOM image has ${frames} frame(s); there is no frame ${frame + 1}.`);
}

/** A frame of one bit for a pixel. */
function bitFrame(file: ParsedFile, format: ImageFormat, frame: number): Uint8Array {
  const { width, height, samples } = format;
  const { codec, bigEndian } = file.syntax;
  const inWords = bigEndian === true && pixelElement(file.dataSet).vr === 'OW';
  if (samples !== 1 || isCompressed(file) || inWords) {
    throw new DicomError('PIXEL_FORMAT', 'The DICOM image has one bit for a pixel in a form that is not read.');
  }
  const pixels = width * height;
  const isWrapped = codec === 'bare' || codec === 'deflate';
  const bytes = isWrapped
    ? wrappedFrame(encapsulatedFrame(file.dataSet, frame, format.frames), codec, format)
    : nativeFrame(file.dataSet, format, frame);
  return unpackBits(bytes, isWrapped ? 0 : (frame * pixels) % 8, pixels);
}

/** A frame of floating-point numbers. @throws DicomError (PIXEL_FORMAT) in a transfer syntax of compressed frames */
function floatFrame(file: ParsedFile, format: ImageFormat, frame: number): Float32Array | Float64Array {
  if (file.syntax.codec) {
    throw new DicomError('PIXEL_FORMAT', 'The DICOM image has floating-point pixels in a syntax of compressed ones.');
  }
  return floatsOf(file, nativeFrame(file.dataSet, format, frame));
}

/**
 * @param frame from 0
 * @param into memory for the values, where it is large enough and they come as whole numbers
 * @throws DicomError
 */
export async function storedFrame(
  file: ParsedFile,
  told: ImageFormat,
  frame: number,
  into?: ArrayBufferLike,
): Promise<StoredFrame> {
  const format = file.syntax.codec ? told : nativeFormat(file.dataSet, told);
  const { width, height, samples, bitsAllocated, signed, photometric } = format;
  checkFrame(format, frame);
  if (format.floating || bitsAllocated === 64) {
    return { values: floatFrame(file, format, frame), width, height, kind: 'grey' };
  }
  if (bitsAllocated === 1) return { values: bitFrame(file, format, frame), width, height, kind: 'grey' };
  const raw = await rawFrame(file, format, frame, into);
  const values = viewOf(raw, format, into);
  keepBits(values, raw, signed);
  if (samples === 3) {
    return { values: colour(values, format, isCompressed(file), raw), width, height, kind: 'rgb' };
  }
  return { values, width, height, kind: photometric === 'PALETTE COLOR' ? 'palette' : 'grey' };
}
