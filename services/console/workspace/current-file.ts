// The file that is open, which every page looks at.

import { effect, signal } from '@preact/signals';
import { openFile, type OpenedFile } from '../files/open-file';
import { sentence } from '../api/call';
import type { ViewerState } from '../viewer/state';

export const currentFile = signal<OpenedFile | undefined>(undefined);
export const fileError = signal('');

export async function openHere(file: (Blob & { name?: string }) | undefined): Promise<void> {
  if (!file) return;
  try {
    currentFile.value = await openFile(file);
    fileError.value = '';
  } catch (error) {
    fileError.value = sentence(error);
  }
}

export async function openExample(): Promise<void> {
  const response = await fetch('/example.jpg');
  await openHere(new File([await response.blob()], 'example.jpg', { type: 'image/jpeg' }));
}

/** Shows the open file, and the frame that the viewer asks for. @returns what stops it */
export function showCurrentFile(state: ViewerState): () => void {
  let shown: OpenedFile | undefined;
  return effect(() => {
    const file = currentFile.value;
    if (!file) return state.clear();
    const keep = file === shown;
    if (!keep) {
      state.frame.value = 1;
      state.frameCount.value = file.frameCount;
    }
    shown = file;
    const number = state.frame.value;
    file.frame(number).then(
      (picture) => {
        if (currentFile.peek() === file && state.frame.peek() === number) state.show(picture, keep);
      },
      (error: unknown) => (fileError.value = sentence(error)),
    );
  });
}
