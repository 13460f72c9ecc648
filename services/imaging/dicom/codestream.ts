// What a compressed frame says of itself, read before it is decoded: decoders allocate by it, and some of them return a whole
// picture for half a stream.

import { DicomError } from './errors';

export interface Codestream {
  width: number;
  height: number;
  components: number;
  /** Bits of a sample. */
  precision: number;
  /** Whether a JPEG of three components holds luma and chroma; absent where it does not say so itself. */
  isYbr?: boolean;
  /** Whether parts of JPEG 2000 are missing. */
  isCut?: boolean;
  /** Whether samples may be negative; absent where the stream does not say so. */
  signed?: boolean;
  /** Whether JPEG-LS holds one component after the other, which its decoder keeps. */
  planar?: boolean;
  /** For each component of the frame header its place among those that the decoder of JPEG-LS gives. */
  order?: readonly number[];
}

const START_OF_CODESTREAM = 0xff4f;
const SIZE_MARKER = 0xff51;
const START_OF_TILE_PART = 0xff90;
/** Of the marker segment that begins a tile-part. */
const TILE_PART_BYTES = 12;
const END_OF_CODESTREAM = 0xffd9;
const START_OF_IMAGE = 0xffd8;
const START_OF_SCAN = 0xffda;
const LOSSLESS = 0xffc3;
const JPEG_LS = 0xfff7;
/** Zeros, or one byte of any value, that encoders add after the end of a frame. */
const PADDING = 64;

function damaged(): DicomError {
  return new DicomError('PIXEL_DECODE', 'The compressed pixels of the DICOM image are damaged or cut short.');
}

/** Marker that begins a frame: SOF0 to SOF15 without DHT, JPG and DAC, and JPEG-LS's SOF55. */
function isStartOfFrame(marker: number): boolean {
  if (marker === JPEG_LS) return true;
  return marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
}

/**
 * The size of JPEG 2000, from SIZ (ISO/IEC 15444-1 A.5.1).
 * @throws DicomError (PIXEL_FORMAT) for components that differ or are subsampled, and for colour of more than 8 bits: its
 * decoder takes every component for one as large as the first, and keeps 8 bits of colour
 */
function readSize(view: DataView): Codestream {
  if (view.byteLength < 51 || view.getUint16(2) !== SIZE_MARKER) throw damaged();
  const components = view.getUint16(40);
  if (view.byteLength < 42 + 3 * components) throw damaged();
  const kinds = Array.from({ length: components }, (_, at) => view.getUint8(42 + 3 * at));
  const full = kinds.every((_, at) => view.getUint16(43 + 3 * at) === 0x0101);
  if (!full || new Set(kinds).size > 1) {
    throw new DicomError('PIXEL_FORMAT', 'The JPEG 2000 stream has components of several sizes, which is not read.');
  }
  const precision = (view.getUint8(42) & 0x7f) + 1;
  if (components > 1 && precision > 8) {
    throw new DicomError('PIXEL_FORMAT', `The JPEG 2000 stream holds colour of ${precision} bits; 8 are read.`);
  }
  return {
    width: view.getUint32(8) - view.getUint32(16),
    height: view.getUint32(12) - view.getUint32(20),
    components,
    precision,
    signed: view.getUint8(42) > 0x7f,
  };
}

/** What an application segment says of colour: JFIF is always YCbCr, Adobe's names its transform. */
function colourOf(view: DataView, marker: number, at: number): boolean | undefined {
  const says = (text: string): boolean =>
    at + 4 + text.length <= view.byteLength &&
    [...text].every((letter, index) => view.getUint8(at + 4 + index) === letter.charCodeAt(0));
  if (marker === 0xffe0 && says('JFIF\0')) return true;
  if (marker === 0xffee && says('Adobe') && at + 16 <= view.byteLength) return view.getUint8(at + 15) === 1;
  return undefined;
}

interface Scan {
  /** Identifiers of its components, in their order. */
  ids: number[];
  /** ILV: 0 for one component after the other, 1 by lines, 2 by samples. */
  interleave: number;
}

/** A scan header of JPEG-LS (ISO/IEC 14495-1 C.2.3), whose marker stands at `at` and which ends before `end`. */
function readScan(view: DataView, at: number, end: number): Scan {
  const count = end > at + 4 ? view.getUint8(at + 4) : 0;
  if (end < at + 8 + 2 * count) throw damaged();
  const bytes = (offset: number): number[] =>
    Array.from({ length: count }, (_, component) => view.getUint8(at + offset + 2 * component));
  if (bytes(6).some((table) => table !== 0)) {
    throw new DicomError('PIXEL_FORMAT', 'The JPEG-LS stream holds indices into mapping tables, which are not read.');
  }
  // After the components (two bytes each) and NEAR.
  return { ids: bytes(5), interleave: view.getUint8(at + 6 + 2 * count) };
}

/** Where the coded samples that begin at `at` end: a byte of 255 that one of 128 or more follows, unless it is a restart. */
function endOfSamples(view: DataView, at: number): number {
  for (let next = at; next + 1 < view.byteLength; next += 1) {
    if (view.getUint8(next) !== 0xff) continue;
    const code = view.getUint8(next + 1);
    if (code >= 0x80 && code !== 0xff && (code < 0xd0 || code > 0xd7)) return next;
  }
  throw damaged();
}

/** The scans of JPEG-LS, read until every component had its own. @param from of a segment before the first scan */
function scansOf(view: DataView, components: number, from: number): Scan[] {
  const scans: Scan[] = [];
  let at = from;
  while (scans.flatMap(({ ids }) => ids).length < components) {
    if (at + 4 > view.byteLength) throw damaged();
    const marker = view.getUint16(at);
    if (marker === 0xffff) {
      at += 1;
      continue;
    }
    if (marker < 0xff80) throw damaged();
    const end = at + 2 + view.getUint16(at + 2);
    if (end > view.byteLength) throw damaged();
    if (marker === START_OF_SCAN) scans.push(readScan(view, at, end));
    at = marker === START_OF_SCAN ? endOfSamples(view, end) : end;
  }
  return scans;
}

/**
 * How the decoder of JPEG-LS, which takes components as they come, gives the samples: scans may hold one component each, in
 * any order; their identifiers say which.
 * @param ids of the components, as the frame header has them
 * @param from of a segment before the first scan
 */
function orderOf(view: DataView, ids: readonly number[], from: number): Pick<Codestream, 'planar' | 'order'> {
  const scans = scansOf(view, ids.length, from);
  if (scans.length !== 1 && scans.length !== ids.length) {
    throw new DicomError('PIXEL_FORMAT', 'The JPEG-LS stream mixes scans of one and several components.');
  }
  const coded = scans.flatMap((scan) => scan.ids);
  const order = ids.map((id) => coded.indexOf(id));
  if (coded.length !== ids.length || new Set(order).size !== ids.length || order.includes(-1)) throw damaged();
  return { planar: scans.length > 1 || scans[0]?.interleave === 0, order };
}

/** Identifiers of the components of the frame header whose marker stands at `at`. */
function idsOf(view: DataView, components: number, at: number): number[] {
  if (at + 10 + 3 * components > view.byteLength) throw damaged();
  return Array.from({ length: components }, (_, component) => view.getUint8(at + 10 + 3 * component));
}

/** The size of JPEG and JPEG-LS, from the frame header (ISO/IEC 10918-1 B.2.2). */
function readFrameHeader(view: DataView): Codestream {
  let at = 2;
  let isYbr: boolean | undefined;
  while (at + 10 <= view.byteLength) {
    const marker = view.getUint16(at);
    if (marker === 0xffff) {
      at += 1;
      continue;
    }
    if (marker < 0xff00 || marker === START_OF_SCAN) break;
    if (isStartOfFrame(marker)) {
      const components = view.getUint8(at + 9);
      return {
        precision: view.getUint8(at + 4),
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components,
        ...(marker === JPEG_LS && components > 1
          ? orderOf(view, idsOf(view, components, at), at + 2 + view.getUint16(at + 2))
          : {}),
        // What is lossless, or JPEG-LS, is stored as it is.
        ...(isYbr === undefined || marker === LOSSLESS || marker === JPEG_LS ? {} : { isYbr }),
      };
    }
    isYbr = colourOf(view, marker, at) ?? isYbr;
    at += 2 + view.getUint16(at + 2);
  }
  throw damaged();
}

/**
 * The tile-parts of JPEG 2000 say how long they are (ISO/IEC 15444-1 A.4.2): decoders of HTJ2K fill what a stream that was cut short
 * lacks with pixels of their own.
 */
function hasTileParts(view: DataView): boolean {
  let at = 2;
  // Segments of the main header, up to the first tile-part.
  while (at + 4 <= view.byteLength && view.getUint16(at) !== START_OF_TILE_PART) at += 2 + view.getUint16(at + 2);
  let parts = 0;
  while (at + TILE_PART_BYTES <= view.byteLength && view.getUint16(at) === START_OF_TILE_PART) {
    const length = view.getUint32(at + 6);
    parts += 1;
    // The last one may reach up to the end, whatever its length is.
    if (length === 0) return true;
    at += Math.max(length, TILE_PART_BYTES);
  }
  return parts > 0 && at + 2 <= view.byteLength && view.getUint16(at) === END_OF_CODESTREAM;
}

/** True when the end marker, which JPEG and JPEG 2000 share, stands at the end. */
function endsProperly(bytes: Uint8Array): boolean {
  const from = Math.max(0, bytes.length - PADDING - 2);
  for (let at = bytes.length - 2; at >= from; at -= 1) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true;
    // What follows the marker is padding, or a single stray byte.
    if (bytes[at + 1] !== 0 && at + 2 < bytes.length) return false;
  }
  return false;
}

/** @throws DicomError (PIXEL_DECODE) for anything but a whole stream of JPEG, JPEG-LS or JPEG 2000 */
export function readCodestream(bytes: Uint8Array): Codestream {
  if (bytes.length < 4 || !endsProperly(bytes)) throw damaged();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (view.getUint16(0)) {
    case START_OF_CODESTREAM:
      return { ...readSize(view), isCut: !hasTileParts(view) };
    case START_OF_IMAGE:
      return readFrameHeader(view);
    default:
      throw damaged();
  }
}
