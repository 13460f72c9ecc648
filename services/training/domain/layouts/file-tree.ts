// What a data folder holds, listed once: readers of published layouts look for their names in it.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { automedError } from '../../../common/errors';

/** More files than any published data set that is meant for one machine; a home folder given by mistake has them. */
const MAX_FILES = 2_000_000;
/** Folders within folders; archives unpacked into a folder of their own add one or two. */
const MAX_DEPTH = 12;

export interface FileTree {
  root: string;
  /** Paths below the root with forward slashes, sorted; hidden files and macOS's copies are left out. */
  files: readonly string[];
}

/** Lists every file below `root`. */
export async function listTree(root: string): Promise<FileTree> {
  const files: string[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, below), { withFileTypes: true }).catch((cause: unknown) => {
      throw automedError('NOT_FOUND', `The data folder ${join(root, below)} cannot be read.`, { field: 'data', cause });
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (!entry.isDirectory()) files.push(path);
      else if (depth < MAX_DEPTH) await walk(path, depth + 1);
      if (files.length > MAX_FILES) {
        throw automedError('INVALID_ARGUMENT', `The folder ${root} holds more than ${MAX_FILES} files.`, {
          field: 'data',
        });
      }
    }
  };
  await walk('', 0);
  return { root, files: files.sort() };
}

const IMAGE = /\.(png|jpe?g|tiff?|webp|bmp|dcm)$/i;

export const isImage = (path: string): boolean => IMAGE.test(path);

/** The last part of a path, without extension. */
export function stemOf(path: string): string {
  return fileOf(path).replace(/\.[^.]+$/, '');
}

/** The last part of a path. */
export function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folders of a path, outermost first. */
export function foldersOf(path: string): string[] {
  return path.split('/').slice(0, -1);
}
