import { statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { makeFolderSync } from '../../common/make-folder';
import { UsageError } from './errors';

function isFolder(path: string): boolean {
  return path.endsWith('/') || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

/**
 * Where the picture of each input goes. One input and a file name: that file. A folder (it exists, ends with `/`, or has no
 * extension while there are several inputs): `NAME.png` in it, numbered where two inputs share a name. A number after the last
 * dot is no extension, but the end of a UID.
 */
export function targetPaths(inputs: readonly string[], target: string, option: string): string[] {
  if (inputs.length === 1 && !isFolder(target)) {
    makeFolderSync(dirname(target));
    return [target];
  }
  if (!isFolder(target) && extname(target) !== '') {
    throw new UsageError(`${option} ${target} is one file for ${inputs.length} images; name a folder`);
  }
  makeFolderSync(target);
  const seen = new Map<string, number>();
  return inputs.map((input) => {
    const extension = extname(input);
    const name = basename(input, /^\.\d+$/.test(extension) ? '' : extension);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return join(target, count === 1 ? `${name}.png` : `${name}-${count}.png`);
  });
}

/** Where the mask of one structure goes: the path itself when there is one structure, else `mask-cup.png`. */
export function structurePath(path: string, structure: string, structureCount: number): string {
  if (structureCount === 1) return path;
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}-${structure.replace(/[^\p{L}\p{N}_.-]+/gu, '_')}${extension}`;
}
