// The file that is open, which every page looks at.

import { effect, signal } from '@preact/signals';
import { sentence } from '../../console-kit/api/call';
import { openFile, type OpenedFile } from '../../console-kit/files/open-file';
import type { ViewerState } from '../../console-kit/viewer/state';
import { randomId } from '../../console-kit/api/random-id';
import { savedFile, saveFile } from './saved-file';

export interface CurrentFile extends OpenedFile {
  /** Drawn when it was opened; the same after a reload. */
  id: string;
}

export const currentFile = signal<CurrentFile | undefined>(undefined);
export const fileError = signal('');

export async function openHere(file: (Blob & { name?: string }) | undefined): Promise<void> {
  if (!file) return;
  try {
    const opened = { ...(await openFile(file)), id: randomId() };
    currentFile.value = opened;
    fileError.value = '';
    // Where it cannot be kept it is not there after a reload, and nothing else is different.
    await saveFile(opened).catch(() => undefined);
  } catch (error) {
    fileError.value = sentence(error);
  }
}

/** Opens again what this tab had open before a reload. */
export async function reopen(): Promise<void> {
  const saved = await savedFile().catch(() => undefined);
  if (!saved || currentFile.peek()) return;
  const opened = await openFile(new File([saved.bytes], saved.name)).catch(() => undefined);
  if (opened && !currentFile.peek()) currentFile.value = { ...opened, id: saved.id };
}

export async function openExample(): Promise<void> {
  const response = await fetch('/example.jpg');
  await openHere(new File([await response.blob()], 'example.jpg', { type: 'image/jpeg' }));
}

/** What each viewer shows, so that a page that opens again goes on at its frame. */
const shown = new WeakMap<ViewerState, CurrentFile>();

/** Shows the open file, and the frame that the viewer asks for. @returns what stops it */
export function showCurrentFile(state: ViewerState): () => void {
  return effect(() => {
    const file = currentFile.value;
    if (!file) return state.clear();
    const keep = file === shown.get(state);
    if (!keep) {
      state.frame.value = 1;
      state.frameCount.value = file.frameCount;
    }
    shown.set(state, file);
    const number = state.frame.value;
    file.frame(number).then(
      (picture) => {
        if (currentFile.peek() === file && state.frame.peek() === number) state.show(picture, keep);
      },
      (error: unknown) => (fileError.value = sentence(error)),
    );
  });
}
