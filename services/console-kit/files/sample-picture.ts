import { fromBase64 } from '../api/bytes';
import type { Image } from '../api/types';
import type { Picture } from '../viewer/picture';
import { decodeImage } from './browser-image';
import { openFile } from './open-file';

/**
 * The picture of an image that the server keeps: the file itself where the browser reads it, as its DICOM files with their
 * windows, else the PNG that the server made of it.
 */
export async function pictureOf({ encoded = '', frameNumber = 1 }: Image, displayPng = ''): Promise<Picture> {
  try {
    const file = await openFile(new Blob([fromBase64(encoded)]));
    return await file.frame(frameNumber);
  } catch (error) {
    if (displayPng === '') throw error;
    return decodeImage(fromBase64(displayPng));
  }
}
