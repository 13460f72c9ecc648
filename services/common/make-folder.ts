// Makes a folder with those above it. Node's recursive mkdir does the same, but never ends where the system says ENOENT for a
// folder whose parent exists, as /proc does (nodejs/node, MKDirp retries without end).

import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** A folder that cannot be made; `code` is the system's. The message names the folder and says why. */
export class FolderError extends Error {
  readonly syscall = 'mkdir';

  constructor(
    message: string,
    readonly code: string,
    options: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'FolderError';
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  ENOENT: 'no folder can be made there',
  EEXIST: 'a link of that name leads nowhere',
};

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** What is in the way: the nearest path above, or the path itself, that is there and no folder. */
function obstacle(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      return statSync(at).isDirectory() ? undefined : at;
    } catch {
      if (dirname(at) === at) return undefined;
    }
  }
}

function folderError(path: string, cause: unknown): FolderError {
  const code = codeOf(cause);
  const file = code === 'EEXIST' || code === 'ENOTDIR' ? obstacle(path) : undefined;
  const reason = file === undefined ? (REASONS[code] ?? code) : `${file} is not a folder`;
  return new FolderError(`the folder ${path} cannot be made: ${reason}`, code, { cause });
}

/**
 * Does nothing where the folder is there already.
 * @throws FolderError
 */
export async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder);
  const isFolder = async (at: string): Promise<boolean> =>
    stat(at).then(
      (found) => found.isDirectory(),
      () => false,
    );
  const make = async (at: string): Promise<void> => {
    try {
      return await mkdir(at);
    } catch (error) {
      if (await isFolder(at)) return;
      const above = dirname(at);
      if (codeOf(error) !== 'ENOENT' || above === at) throw error;
      await make(above);
    }
    // Once more, and not without end: the folder above is there now.
    await mkdir(at).catch(async (error: unknown) => {
      if (!(await isFolder(at))) throw error;
    });
  };
  await make(path).catch((error: unknown) => {
    throw folderError(path, error);
  });
}

/** As `makeFolder`, for what must be there before anything else goes on. */
export function makeFolderSync(folder: string): void {
  const path = resolve(folder);
  const isFolder = (at: string): boolean => statSync(at, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const make = (at: string): void => {
    try {
      return mkdirSync(at);
    } catch (error) {
      if (isFolder(at)) return;
      const above = dirname(at);
      if (codeOf(error) !== 'ENOENT' || above === at) throw error;
      make(above);
    }
    try {
      mkdirSync(at);
    } catch (error) {
      if (!isFolder(at)) throw error;
    }
  };
  try {
    make(path);
  } catch (error) {
    throw folderError(path, error);
  }
}
