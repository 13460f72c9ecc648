// Files that come in parts over a stream, kept in a folder of their own until it is done.

import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { automedError } from './errors';
import { makeFolder } from './make-folder';

export interface FilePart {
  data: Uint8Array;
  endsFile: boolean;
}

/** More than any series has. */
const MAX_FILES = 20_000;

/** Longest first file, which is read into memory, bytes. */
const MAX_FIRST = 1024 ** 3;
/** Room is asked for again after so many bytes. */
const LOOK_BYTES = 8 * 1024 ** 2;

const folderIn = (home: string): string => join(home, 'verify');

/** Deletes what a process left that was killed. */
export async function clearReceivedFiles(home: string): Promise<void> {
  await rm(folderIn(home), { recursive: true, force: true });
}

export interface ReceiveLimits {
  /** Asked before each file, and every few megabytes. */
  hasRoom: () => boolean;
  /** Of the first file, bytes. */
  maxFirst?: number;
}

/**
 * @param work gets the paths of the files in their order, which are gone afterwards
 */
export async function withReceivedFiles<T>(
  home: string,
  parts: AsyncIterable<FilePart>,
  { hasRoom, maxFirst = MAX_FIRST }: ReceiveLimits,
  work: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = join(folderIn(home), randomUUID());
  await makeFolder(folder);
  let file: FileHandle | undefined;
  try {
    const paths: string[] = [];
    let first = 0;
    let unasked = 0;
    for await (const { data, endsFile } of parts) {
      file ??= await next(folder, paths, hasRoom);
      if (paths.length === 1 && (first += data.length) > maxFirst) {
        const text = `The first file is longer than ${maxFirst} bytes.`;
        throw automedError('INVALID_ARGUMENT', text, { field: 'data' });
      }
      if ((unasked += data.length) > LOOK_BYTES) {
        requireRoom(hasRoom);
        unasked = 0;
      }
      await file.write(data);
      if (!endsFile) continue;
      await file.close();
      file = undefined;
    }
    if (file) throw automedError('INVALID_ARGUMENT', 'The last file does not end.', { field: 'ends_file' });
    return await work(paths);
  } finally {
    await file?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws ResourceExhaustedError where the disk has no room */
export function requireRoom(hasRoom: () => boolean): void {
  if (!hasRoom()) throw automedError('QUEUE_FULL', 'There is no room on the disk of the bridge.');
}

async function next(folder: string, paths: string[], hasRoom: () => boolean): Promise<FileHandle> {
  if (paths.length >= MAX_FILES) {
    throw automedError('INVALID_ARGUMENT', `At most ${MAX_FILES} files are compared.`, { field: 'data' });
  }
  requireRoom(hasRoom);
  paths.push(join(folder, `${paths.length}.dcm`));
  return open(paths.at(-1) ?? '', 'wx');
}
