// EXIF's orientation (CIPA DC-008, tag 0x0112): an image is turned by it, and tools differ in whether a mask without it was
// drawn on the upright or on the stored picture.

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { automedError } from '../../../common/errors';
import { isDicom } from '../../../imaging/dicom';
import type { MaskSource } from '../data-folder';
import { AMBIGUOUS_FIELD } from './understand-mask';

export interface Oriented {
  /** 2 to 8. */
  orientation: number;
  /** Width and height are the same turned or not. */
  fitsBoth: boolean;
}

async function orientationIn(bytes: Buffer): Promise<{ orientation: number; square: boolean } | undefined> {
  if (isDicom(bytes)) return undefined;
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined);
  if (header?.orientation === undefined) return undefined;
  return { orientation: header.orientation, square: header.width === header.height };
}

/** Undefined for an image that is shown as it is stored. */
export async function orientationOf(bytes: Buffer): Promise<Oriented | undefined> {
  const found = await orientationIn(bytes);
  if (found === undefined || found.orientation === 1) return undefined;
  return { orientation: found.orientation, fitsBoth: found.orientation < 5 || found.square };
}

/** @throws InvalidInputError (field `mask_values`) when one cannot tell whether a mask is turned as its image is */
export async function checkTurn(image: Oriented | undefined, masks: readonly MaskSource[]): Promise<void> {
  if (!image?.fitsBoth) return;
  for (const path of masks.flatMap(({ paths }) => paths)) {
    if ((await orientationIn(await readFile(path))) !== undefined) continue;
    throw automedError(
      'INVALID_ARGUMENT',
      `EXIF turns it (orientation ${image.orientation}) and its mask has no EXIF: one cannot tell whether the mask is ` +
        'of the turned or of the stored picture; store both upright',
      { field: AMBIGUOUS_FIELD },
    );
  }
}
