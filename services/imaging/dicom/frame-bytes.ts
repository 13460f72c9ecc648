// Where the bytes of a frame are.

import {
  createJPEGBasicOffsetTable,
  readEncapsulatedImageFrame,
  readEncapsulatedPixelDataFromFragments,
  type DataSet,
  type Element,
} from 'dicom-parser';
import { PIXEL_DATA } from './data-set';
import { DicomError } from './errors';
import type { ImageFormat } from './header';

function damaged(): DicomError {
  return new DicomError('PIXEL_DECODE', 'The DICOM file does not tell where its frames are.');
}

/** The pixels of an object that has some. */
export function pixelElement(dataSet: DataSet): Element {
  const element = dataSet.elements[PIXEL_DATA];
  if (!element) throw new DicomError('NO_PIXELS', 'The DICOM file holds no pixels.');
  return element;
}

function fromFragments(dataSet: DataSet, element: Element, frame: number, frames: number): Uint8Array {
  const fragments = element.fragments?.length ?? 0;
  if (frames === 1) return readEncapsulatedPixelDataFromFragments(dataSet, element, 0, fragments);
  const table = element.basicOffsetTable ?? [];
  // Some writers fill the table with zeros.
  if (table.length === frames && new Set(table).size === frames) {
    return readEncapsulatedImageFrame(dataSet, element, frame);
  }
  if (fragments === frames) return readEncapsulatedPixelDataFromFragments(dataSet, element, frame, 1);
  // Frames of several fragments without a table: each ends with the end marker.
  const found = createJPEGBasicOffsetTable(dataSet, element);
  if (found.length !== frames) throw damaged();
  return readEncapsulatedImageFrame(dataSet, element, frame, found);
}

/** The bytes of a compressed frame. */
export function encapsulatedFrame(dataSet: DataSet, frame: number, frames: number): Uint8Array {
  const element = pixelElement(dataSet);
  if (!element.encapsulatedPixelData || !element.fragments?.length) throw damaged();
  try {
    return fromFragments(dataSet, element, frame, frames);
  } catch {
    throw damaged();
  }
}

/**
 * How pixels that are not compressed lie indeed: many files say that two pixels share their chroma (YBR_FULL_422) and hold all
 * of it nevertheless.
 * @throws DicomError (PIXEL_FORMAT) where pixels share it in rows of odd length
 */
export function nativeFormat(dataSet: DataSet, format: ImageFormat): ImageFormat {
  const { width, height, frames, samples, bitsAllocated } = format;
  if (format.photometric !== 'YBR_FULL_422') return format;
  const full = (width * height * samples * bitsAllocated * frames) / 8;
  if (pixelElement(dataSet).length >= full) return { ...format, photometric: 'YBR_FULL' };
  if (width % 2 === 0) return format;
  throw new DicomError('PIXEL_FORMAT', 'The DICOM image halves the chroma of rows of odd length, which is not read.');
}

/** Bytes of a frame that is not compressed, without the padding at the end of the file's pixels. */
export function nativeFrame(dataSet: DataSet, format: ImageFormat, frame: number): Uint8Array {
  const { width, height, frames, samples, bitsAllocated, photometric } = format;
  const element = pixelElement(dataSet);
  // Two chroma samples for two pixels.
  const stored = photometric === 'YBR_FULL_422' ? 2 : samples;
  const length = (width * height * stored * bitsAllocated) / 8;
  const promised = Math.ceil(length * frames);
  if (element.encapsulatedPixelData) throw damaged();
  if (element.length < promised) {
    throw new DicomError(
      'TRUNCATED',
      `The DICOM file has ${element.length} of the ${promised} bytes that its pixels need.`,
    );
  }
  if (element.dataOffset + promised > dataSet.byteArray.length) {
    throw new DicomError('TRUNCATED', 'The DICOM file is damaged or cut short.');
  }
  // Frames of one bit for a pixel need not begin on a byte: unpacking begins at the right bit.
  const from = element.dataOffset + Math.floor(frame * length);
  return dataSet.byteArray.subarray(from, element.dataOffset + Math.ceil((frame + 1) * length));
}
