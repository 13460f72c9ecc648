// Pictures of any format that is read, for programs that show PNG, JPEG and WebP alone.

import { DEFAULT_LIMITS } from './decode';
import { toDisplayRgb8 } from './display';
import { sniffFormat } from './formats';
import { encodePicturePng } from './overlay';
import type { Pixels } from './pixels/pixels';
import { readImage } from './read-image';

/** Whether browsers show the file as it is. */
export function isShownAsIs(bytes: Buffer): boolean {
  const format = sniffFormat(bytes);
  return format !== undefined && format !== 'TIFF';
}

/**
 * A PNG of 8 bits of what a display shows. @param frameNumber of a DICOM file, from 1
 * @throws as readImage()
 */
export async function displayPng(bytes: Buffer, frameNumber?: number): Promise<Buffer> {
  const frame = frameNumber === undefined ? undefined : frameNumber - 1;
  // DICOM files are given away to be read.
  const own = Buffer.from(bytes);
  const { pixels } = await readImage(own, { limits: DEFAULT_LIMITS, also: ['BMP', 'DICOM'], frame });
  return pixelsPng(pixels);
}

/** The same of pixels that were read. */
export function pixelsPng(pixels: Pixels): Promise<Buffer> {
  return encodePicturePng({ data: toDisplayRgb8(pixels), width: pixels.width, height: pixels.height });
}
