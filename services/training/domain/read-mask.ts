// The mask of one structure, from wherever a data set keeps it.

import { readFile } from 'node:fs/promises';
import type { Hash } from 'node:crypto';
import { automedError } from '../../common/errors';
import { DicomSegmentation, isDicom } from '../../imaging/dicom';
import { toRgb8, type Pixels } from '../../imaging/pixels';
import { decodeDataFile, decodeMaskFile, decodeSegmentation } from './data-file';
import type { MaskSource } from './data-folder';

/** Foreground of a mask image unless its data set says otherwise: above 127; of DICOM, any stored value but 0. */
const BRIGHT = { from: 128, to: 255 };

interface Size {
  width: number;
  height: number;
}

/**
 * Reads a mask of the size of its image, 0 or 1 per pixel.
 * @param hash gets the bytes that were read, and how they were understood
 * @throws InvalidInputError when a file is no image (UNSUPPORTED_IMAGE) or of another size (SHAPE_MISMATCH)
 */
export async function readMask(source: MaskSource, size: Size, hash?: Hash): Promise<Uint8Array> {
  const { paths, values, resize = false, segmentationOf } = source;
  const mask = new Uint8Array(size.width * size.height);
  for (const path of paths) {
    const bytes = await readFile(path);
    hash?.update(bytes);
    unite(mask, size, await readMaskFile(bytes, source), { values: values ?? BRIGHT, resize });
  }
  if (segmentationOf) hash?.update(`of ${segmentationOf.sopInstanceUid} frame ${segmentationOf.frame}`);
  if (values) hash?.update(`foreground ${values.from} to ${values.to}`);
  return mask;
}

/** A mask image; of a DICOM segmentation what it shows of one picture, in white. */
async function readMaskFile(bytes: Buffer, { values, segmentationOf }: MaskSource): Promise<Pixels> {
  // Grey values that a data set names are those of a display.
  if (!isDicom(bytes) || !DicomSegmentation.is(bytes)) return values ? decodeDataFile(bytes) : decodeMaskFile(bytes);
  if (!segmentationOf) {
    throw automedError('INVALID_ARGUMENT', 'a DICOM segmentation belongs to DICOM images, and this image is none');
  }
  return decodeSegmentation(bytes, segmentationOf);
}

function unite(
  mask: Uint8Array,
  { width, height }: Size,
  pixels: Pixels,
  { values, resize }: { values: { from: number; to: number }; resize: boolean },
): void {
  if (!resize && (pixels.width !== width || pixels.height !== height)) {
    throw automedError(
      'SHAPE_MISMATCH',
      `its mask is ${pixels.width} x ${pixels.height}, the image is ${width} x ${height}`,
    );
  }
  const { samples, channels } = firstBand(pixels);
  const columns = Uint32Array.from({ length: width }, (_, x) => Math.floor(((x + 0.5) * pixels.width) / width));
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor(((y + 0.5) * pixels.height) / height) * pixels.width;
    for (let x = 0; x < width; x += 1) {
      const value = samples[(row + (columns[x] as number)) * channels] as number;
      if (value >= values.from && value <= values.to) mask[y * width + x] = 1;
    }
  }
}

/** Samples on the 8-bit scale of which every `channels`-th is the first band. */
function firstBand(pixels: Pixels): { samples: ArrayLike<number>; channels: number } {
  return pixels.sampleType === 'uint8'
    ? { samples: pixels.data, channels: pixels.channels }
    : { samples: toRgb8(pixels), channels: 3 };
}
