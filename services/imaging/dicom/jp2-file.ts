// JPEG 2000 that some writers put into a frame with the boxes of a file of its own (JP2, ISO/IEC 15444-1 annex I), which PS3.5
// A.4.4 does not allow.

import { DicomError } from './errors';

interface Box {
  type: string;
  content: Uint8Array;
}

const SIGNATURE = [0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20];
const BOX_HEADER_BYTES = 8;
const LONG_HEADER_BYTES = 16;
/** Palettes and the order of components, which would have to be applied to what the stream holds. */
const CHANGING = new Set(['pclr', 'cmap', 'cdef']);

function damaged(): DicomError {
  return new DicomError('PIXEL_DECODE', 'The JPEG 2000 file in the pixels of the DICOM image is damaged or cut short.');
}

/** @throws DicomError (PIXEL_DECODE) for boxes that do not fit into each other */
function boxesOf(bytes: Uint8Array): Box[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const boxes: Box[] = [];
  let at = 0;
  while (at + BOX_HEADER_BYTES <= bytes.length) {
    const told = view.getUint32(at);
    const isLong = told === 1 && at + LONG_HEADER_BYTES <= bytes.length;
    const header = isLong ? LONG_HEADER_BYTES : BOX_HEADER_BYTES;
    // The last box may reach up to the end, which is then its length.
    const length = told === 0 ? bytes.length - at : isLong ? Number(view.getBigUint64(at + 8)) : told;
    if (length < header || at + length > bytes.length) throw damaged();
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    boxes.push({ type, content: bytes.subarray(at + header, at + length) });
    at += length;
    if (type === 'jp2c') break;
  }
  return boxes;
}

/**
 * The stream of JPEG 2000 without the file that it may be in; other bytes as they are.
 * @throws DicomError (PIXEL_DECODE) for a file without a stream, (PIXEL_FORMAT) for one with a palette, or components in an order
 * of its own
 */
export function unboxed(bytes: Uint8Array): Uint8Array {
  if (!SIGNATURE.every((byte, at) => bytes[at] === byte)) return bytes;
  const boxes = boxesOf(bytes);
  const header = boxes.filter(({ type }) => type === 'jp2h').flatMap(({ content }) => boxesOf(content));
  if (header.some(({ type }) => CHANGING.has(type))) {
    throw new DicomError(
      'PIXEL_FORMAT',
      'The JPEG 2000 file in the pixels of the DICOM image has a palette of its own.',
    );
  }
  const stream = boxes.find(({ type }) => type === 'jp2c');
  if (!stream) throw damaged();
  return stream.content;
}
