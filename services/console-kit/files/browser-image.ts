import { t } from '../texts/en';
import { FULL_RANGE, type Picture } from '../viewer/picture';

/** A file that cannot be shown; the message says what to do. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** Whatever the browser decodes; upright, as the server sees it. */
export async function decodeImage(bytes: Uint8Array<ArrayBuffer>): Promise<Picture> {
  const options = { imageOrientation: 'from-image', premultiplyAlpha: 'none', colorSpaceConversion: 'none' } as const;
  const bitmap = await createImageBitmap(new Blob([bytes]), options).catch(() => {
    throw new FileError(t.files.undecodable);
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new FileError(t.files.undecodable);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { kind: 'color', width, height, rgba: context.getImageData(0, 0, width, height).data, presets: [FULL_RANGE] };
}
