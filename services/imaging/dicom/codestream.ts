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
  /** Whether JPEG-LS holds one component after the other, which its decoder keeps. */
  planar?: boolean;
}

const START_OF_CODESTREAM = 0xff4f;
const SIZE_MARKER = 0xff51;
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

/** The size of JPEG 2000, from SIZ (ISO/IEC 15444-1 A.5.1). */
function readSize(view: DataView): Codestream {
  if (view.byteLength < 51 || view.getUint16(2) !== SIZE_MARKER) throw damaged();
  return {
    width: view.getUint32(8) - view.getUint32(16),
    height: view.getUint32(12) - view.getUint32(20),
    components: view.getUint16(40),
    precision: (view.getUint8(42) & 0x7f) + 1,
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

/**
 * Whether JPEG-LS has its components in scans of their own (ISO/IEC 14495-1 C.2.3): by the first scan header, which names
 * one component, or interleaves none (ILV 0).
 * @param at of a segment before the first scan
 */
function hasPlanes(view: DataView, components: number, at: number): boolean {
  while (at + 5 <= view.byteLength) {
    const marker = view.getUint16(at);
    if (marker === 0xffff) {
      at += 1;
      continue;
    }
    if (marker === START_OF_SCAN) {
      const inScan = view.getUint8(at + 4);
      // After the components (two bytes each) and NEAR.
      const interleave = at + 6 + 2 * inScan;
      if (interleave >= view.byteLength) break;
      if (inScan !== 1 && inScan !== components) {
        throw new DicomError('PIXEL_FORMAT', 'The JPEG-LS stream mixes scans of one and several components.');
      }
      return inScan === 1 || view.getUint8(interleave) === 0;
    }
    at += 2 + view.getUint16(at + 2);
  }
  throw damaged();
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
          ? { planar: hasPlanes(view, components, at + 2 + view.getUint16(at + 2)) }
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
      return readSize(view);
    case START_OF_IMAGE:
      return readFrameHeader(view);
    default:
      throw damaged();
  }
}
