// Where the bytes of a frame are.

import {
  createJPEGBasicOffsetTable,
  readEncapsulatedImageFrame,
  readEncapsulatedPixelDataFromFragments,
  type DataSet,
  type Element,
} from 'dicom-parser';
import { pixelElement } from './data-set';
import { DicomError } from './errors';
import type { ImageFormat } from './header';

function damaged(): DicomError {
  return new DicomError('PIXEL_DECODE', 'The DICOM file does not tell where its frames are.');
}

/** First bytes of a stream of JPEG and JPEG-LS, and of JPEG 2000. */
const STREAM_STARTS = [0xffd8, 0xff4f];

/** Whether every one of several fragments begins a stream: frames of which the header does not tell. */
function areStreams({ byteArray }: DataSet, { fragments = [] }: Element): boolean {
  return (
    fragments.length > 1 &&
    fragments.every(({ position: at }) =>
      STREAM_STARTS.includes(((byteArray[at] ?? 0) << 8) | (byteArray[at + 1] ?? 0)),
    )
  );
}

function fromFragments(dataSet: DataSet, element: Element, frame: number, frames: number): Uint8Array {
  const fragments = element.fragments?.length ?? 0;
  const table = element.basicOffsetTable ?? [];
  if (frames === 1) {
    if (new Set(table).size > 1 || areStreams(dataSet, element)) throw damaged();
    return readEncapsulatedPixelDataFromFragments(dataSet, element, 0, fragments);
  }
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

/** An item's tag (FFFE,E000), with which compressed pixels begin. */
const ITEM = [0xfe, 0xff, 0x00, 0xe0];

/**
 * Pixels that are other ones than the header describes. What follows them as padding is at most a few bytes, or zeros.
 * @param promised bytes of all frames
 */
function refuseContradiction(
  { byteArray }: DataSet,
  { dataOffset, length }: Element,
  { frames }: ImageFormat,
  promised: number,
): void {
  const pixels = byteArray.subarray(dataOffset, dataOffset + length);
  const contradicts = (why: string): DicomError =>
    new DicomError('HEADER', `The DICOM header contradicts its pixels: ${why}.`);
  if (ITEM.every((byte, at) => pixels[at] === byte)) {
    throw contradicts('they are compressed, and the transfer syntax says that they are not');
  }
  const frame = promised / frames;
  if (frames > 1 && frame % 2 === 1 && length === (frame + 1) * frames) {
    throw contradicts('it is not certain whether each frame is padded to an even length');
  }
  if (length >= 2 * promised && pixels.subarray(promised).some((byte) => byte !== 0)) {
    throw contradicts(`they take ${length} bytes, of which it describes ${promised}`);
  }
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
  refuseContradiction(dataSet, element, format, promised);
  if (element.dataOffset + promised > dataSet.byteArray.length) {
    throw new DicomError('TRUNCATED', 'The DICOM file is damaged or cut short.');
  }
  // Frames of one bit for a pixel need not begin on a byte: unpacking begins at the right bit.
  const from = element.dataOffset + Math.floor(frame * length);
  return dataSet.byteArray.subarray(from, element.dataOffset + Math.ceil((frame + 1) * length));
}
