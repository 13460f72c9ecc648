// Images of a data set that wait for a label: those below its folder `unlabelled`, and those of images/ without a mask.

import { join } from 'node:path';
import type { Problem } from '../samples/sample';
import { isImage, type FileTree } from '../files/file-tree';

/** No layout reads what lies in it. */
const FOLDER = 'unlabelled/';

export interface UnlabelledImage {
  /** Path below the data folder. */
  name: string;
  imagePath: string;
}

/** The files that a layout reads, and the images that are kept from it. */
export function setAside(tree: FileTree): { tree: FileTree; unlabelled: UnlabelledImage[] } {
  const aside = tree.files.filter((path) => path.startsWith(FOLDER));
  if (aside.length === 0) return { tree, unlabelled: [] };
  return {
    tree: { ...tree, files: tree.files.filter((path) => !path.startsWith(FOLDER)) },
    unlabelled: aside.filter(isImage).map((name) => ({ name, imagePath: join(tree.root, name) })),
  };
}

/** Images that a layout found without a mask. */
export function withoutMask({ root, files }: FileTree, problems: readonly Problem[]): UnlabelledImage[] {
  const known = new Set(files);
  return problems.flatMap(({ name, lacks }) =>
    lacks === 'mask' && known.has(name) ? [{ name, imagePath: join(root, name) }] : [],
  );
}
