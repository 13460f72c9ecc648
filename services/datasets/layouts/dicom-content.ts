// DICOM files told by content: file IDs on media have no extension (PS3.10 section 8), and archives export them so.

import { join } from 'node:path';
import { isDicomFile } from '../../imaging/dicom';
import { NO_IMAGE } from './data-folder';
import { fileOf, isImage } from '../files/file-tree';

/** Files whose beginnings are read at a time. */
const PARALLEL = 8;

/** True for a name that says nothing of what the file is. */
const saysNothing = (path: string): boolean => !isImage(path) && !NO_IMAGE.test(fileOf(path));

/**
 * Those of some files that are DICOM although their names do not say so.
 * @param enough so many are looked for
 */
export async function unnamedDicom(root: string, paths: readonly string[], enough = Infinity): Promise<string[]> {
  return dicomAmong(
    root,
    paths.filter((path) => saysNothing(path)),
    enough,
  );
}

/** Those of some files that are DICOM, whatever their names say. @param enough so many are looked for */
export async function dicomAmong(root: string, candidates: readonly string[], enough = Infinity): Promise<string[]> {
  const found: string[] = [];
  for (let at = 0; at < candidates.length && found.length < enough; at += PARALLEL) {
    const some = candidates.slice(at, at + PARALLEL);
    // What cannot be read is named where it is wanted.
    const are = await Promise.all(some.map((path) => isDicomFile(join(root, path)).catch(() => false)));
    found.push(...some.filter((_, index) => are[index]));
  }
  return found;
}
