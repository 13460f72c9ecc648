import { fromBase64 } from '../api/bytes';
import type { Image } from '../api/types';
import type { Picture } from '../viewer/picture';
import { decodeImage } from './browser-image';
import { openFile } from './open-file';
import { renderedByServer } from './server-picture';

/**
 * The picture of an image that the server keeps: the file itself where the browser reads it, as its DICOM files with their
 * windows, else the PNG that the server made of it.
 */
export async function pictureOf({ encoded = '', frameNumber = 1 }: Image, displayPng = ''): Promise<Picture> {
  const render = displayPng === '' ? renderedByServer : (): Promise<Picture> => decodeImage(fromBase64(displayPng));
  const file = await openFile(new Blob([fromBase64(encoded)]), render);
  return file.frame(frameNumber);
}
