// Files that come in parts over a stream, kept in a folder of their own until it is done.

import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { automedError } from '../../common/errors';
import { makeFolder } from '../../common/make-folder';

export interface FilePart {
  data: Uint8Array;
  endsFile: boolean;
}

/** More than any series has. */
const MAX_FILES = 20_000;

/**
 * @param hasRoom asked before each file
 * @param work gets the paths of the files in their order, which are gone afterwards
 */
export async function withReceivedFiles<T>(
  home: string,
  parts: AsyncIterable<FilePart>,
  hasRoom: () => boolean,
  work: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = join(home, 'verify', randomUUID());
  await makeFolder(folder);
  let file: FileHandle | undefined;
  try {
    const paths: string[] = [];
    for await (const { data, endsFile } of parts) {
      file ??= await next(folder, paths, hasRoom);
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

async function next(folder: string, paths: string[], hasRoom: () => boolean): Promise<FileHandle> {
  if (paths.length >= MAX_FILES) {
    throw automedError('INVALID_ARGUMENT', `At most ${MAX_FILES} files are compared.`, { field: 'data' });
  }
  if (!hasRoom()) throw automedError('QUEUE_FULL', 'There is no room on the disk of the bridge.');
  paths.push(join(folder, `${paths.length}.dcm`));
  return open(paths.at(-1) ?? '', 'wx');
}
