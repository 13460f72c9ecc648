// EXIF's orientation (CIPA DC-008, tag 0x0112): a picture is turned by it, and tools differ in whether a mask without it was
// drawn on the upright or on the stored picture.

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { isDicom } from '../../imaging/dicom';
import type { MaskSource } from '../samples/sample';

export interface Orientation {
  /** 1 to 8; absent without EXIF. */
  stated?: number;
  square: boolean;
}

/** What the header of a picture says; of a file that is no picture, as of one without EXIF. */
export async function orientationOf(bytes: Buffer): Promise<Orientation> {
  if (isDicom(bytes)) return { square: false };
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined);
  const square = header !== undefined && header.width === header.height;
  return header?.orientation === undefined ? { square } : { stated: header.orientation, square };
}

/** Turned, and of the same width and height turned or not. */
const fitsBoth = ({ stated = 1, square }: Orientation): boolean => stated !== 1 && (stated < 5 || square);

/**
 * Whether one cannot tell that a mask is turned as its image is: EXIF turns the two by different angles, and both orders fit
 * the size. Many writers put 1 (upright) into every file, so that it says no more than nothing does.
 */
export async function turnIsUncertain(image: Orientation, masks: readonly MaskSource[]): Promise<boolean> {
  for (const path of masks.flatMap(({ paths }) => paths)) {
    const mask = await orientationOf(await readFile(path));
    if ((mask.stated ?? 1) !== (image.stated ?? 1) && (fitsBoth(image) || fitsBoth(mask))) return true;
  }
  return false;
}
