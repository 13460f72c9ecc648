// A file that a person gave: its bytes, which go to the server as they are, and its pixels for the screen.

import type { Picture } from '../viewer/picture';
import { t } from '../texts/en';
import { decodeImage, FileError } from './browser-image';
import { renderedByServer, type Render } from './server-picture';

export interface OpenedFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
  frameCount: number;
  /** @param number from 1 */
  frame: (number: number) => Promise<Picture>;
}

/**
 * @param render what the browser cannot decode
 * @throws FileError, and as `render`
 */
export async function openFile(file: Blob & { name?: string }, render: Render = renderedByServer): Promise<OpenedFile> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const name = file.name ?? t.files.pasted;
  if (bytes.length === 0) throw new FileError(t.files.empty);
  if (isDicom(bytes)) {
    const { openDicom } = await import('./dicom');
    return { name, bytes, ...openDicom(bytes, render) };
  }
  const picture = await decodeImage(bytes).catch(() => render(bytes));
  return { name, bytes, frameCount: 1, frame: () => Promise.resolve(picture) };
}

const isDicom = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(128, 132)) === 'DICM';
