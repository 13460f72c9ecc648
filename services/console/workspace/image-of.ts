import { toBase64 } from '../../console-kit/api/bytes';
import type { Image } from '../../console-kit/api/types';
import type { OpenedFile } from '../../console-kit/files/open-file';

const encoded = new WeakMap<OpenedFile, string>();

/** A file as requests carry it; it is encoded once. */
export function imageOf(file: OpenedFile, frame: number): Image {
  let text = encoded.get(file);
  if (text === undefined) encoded.set(file, (text = toBase64(file.bytes)));
  return { encoded: text, ...(file.frameCount > 1 ? { frameNumber: frame } : {}) };
}
