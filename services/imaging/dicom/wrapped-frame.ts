// Frames that are encapsulated one by one and not compressed by any codec of images: their bytes are those of uncompressed pixels.

import { inflateRawSync } from 'node:zlib';
import { DicomError } from './errors';
import type { ImageFormat } from './header';
import type { FrameWrapping } from './transfer-syntax';

/** Bytes of a frame; the chroma of YBR_FULL_422 is halved. A frame begins on a byte, however many bits a pixel has. */
function lengthOf({ width, height, samples, bitsAllocated, photometric }: ImageFormat): number {
  const stored = photometric === 'YBR_FULL_422' ? 2 : samples;
  return Math.ceil((width * height * stored * bitsAllocated) / 8);
}

function inflated(encoded: Uint8Array, length: number): Uint8Array {
  try {
    // One more: a stream that holds another picture must not pass for this one.
    return inflateRawSync(encoded, { maxOutputLength: length + 2 });
  } catch {
    throw new DicomError('PIXEL_DECODE', 'A deflated frame of the DICOM image is damaged or cut short.');
  }
}

/**
 * @param encoded the fragments of the frame, put together
 * @throws DicomError (PIXEL_DECODE) for a frame that has other bytes than the header describes, (PIXEL_FORMAT) for odd rows of YBR_FULL_422
 */
export function wrappedFrame(encoded: Uint8Array, wrapping: FrameWrapping, format: ImageFormat): Uint8Array {
  const length = lengthOf(format);
  if (format.photometric === 'YBR_FULL_422' && format.width % 2 === 1) {
    throw new DicomError('PIXEL_FORMAT', 'The DICOM image halves the chroma of rows of odd length, which is not read.');
  }
  const bytes = wrapping === 'deflate' ? inflated(encoded, length) : encoded;
  // Odd frames are padded by one byte.
  if (bytes.length === length || bytes.length === length + (length % 2)) return bytes.subarray(0, length);
  throw new DicomError(
    'PIXEL_DECODE',
    `A frame of the DICOM image has ${bytes.length} bytes, and its header describes ${length}.`,
  );
}
