// REFUGE and REFUGE2 (fundus photographs, https://refuge.grand-challenge.org; Orlando et al., Medical Image Analysis 59
// (2020) 101570; Fang et al., arXiv:2202.08994), as the challenge's archives unpack:
//
//   Training400/{Glaucoma,Non-Glaucoma}/g0001.jpg     Annotation-Training400/Disc_Cup_Masks/{Glaucoma,Non-Glaucoma}/g0001.bmp
//   REFUGE-Validation400/V0001.jpg                    REFUGE-Validation400-GT/Disc_Cup_Masks/V0001.bmp
//   Test400/T0001.jpg                                 REFUGE-Test-GT/Disc_Cup_Masks/{G,N}/T0001.bmp
//
// One mask file shows both structures: 0 is the cup, 128 the rest of the disc, 255 the background; the disc includes the
// cup. Mirrors number them 0 (background), 1 and 2 (cup); other values are refused. Masks may be PNG, as mirrors have them, and lie below train/, val/, test/ in mask/ or masks/ beside images/.

import { join } from 'node:path';
import type { Part } from '../files/part-names';
import type { DataFolder, MaskSource } from '../samples/sample';
import type { MaskCode } from '../masks/layout-codes';
import { chosenStructures, collect, type Found } from './collect';
import { foldersOf, isImage, stemOf, type FileTree } from '../files/file-tree';
import { indexByStem, type Said } from './index-by-stem';
import type { Layout, LayoutRequest } from './layout';

/** Foreground of each structure: the values half-way to the next published one belong to it. */
const VALUES: Readonly<Record<string, { from: number; to: number }>> = {
  disc: { from: 0, to: 191 },
  cup: { from: 0, to: 63 },
};
/** The cup lies inside the disc. */
const PUBLISHED = { inner: 0, outer: 128 };
const NUMBERED = { inner: 2, outer: 1 };
/** As the challenge publishes them, and as mirrors number them: 0 background, 1 disc, 2 cup. */
const CODES: Readonly<Record<string, readonly MaskCode[]>> = {
  disc: [
    { values: [0, 128, 255], foreground: [0, 128], background: 255, nested: PUBLISHED },
    { values: [0, 1, 2], foreground: [1, 2], background: 0, nested: NUMBERED },
  ],
  cup: [
    { values: [0, 128, 255], foreground: [0], background: 255, nested: PUBLISHED },
    { values: [0, 1, 2], foreground: [2], background: 0, nested: NUMBERED },
  ],
};
const STRUCTURES = Object.keys(VALUES);
const MASK_FOLDER = /^(disc_cup_masks?|masks?|gt|.*[-_]gt|annotation.*)$/i;

const isMask = (path: string): boolean => foldersOf(path).some((folder) => MASK_FOLDER.test(folder));

function partOf(path: string): Part {
  const folders = foldersOf(path).join('/').toLowerCase();
  if (/valid|\bval\b/.test(folders)) return 'validation';
  return folders.includes('test') ? 'test' : 'train';
}

/** The grade, told by a folder or, in the training part, by the first letter of the name. */
function gradeOf(...paths: (string | undefined)[]): string | undefined {
  const folders = paths.flatMap((path) => (path === undefined ? [] : foldersOf(path)));
  if (folders.some((folder) => /^(non[-_ ]?glaucoma|n)$/i.test(folder))) return 'non-glaucoma';
  if (folders.some((folder) => /^(glaucoma|g)$/i.test(folder))) return 'glaucoma';
  const [letter] = /^[gn](?=\d+$)/i.exec(stemOf(paths[0] ?? '')) ?? [];
  return letter === undefined ? undefined : letter.toLowerCase() === 'g' ? 'glaucoma' : 'non-glaucoma';
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const structures = chosenStructures(request, STRUCTURES);
  const said: Said = { notes: [], findings: [] };
  const files = tree.files.filter(isImage);
  const masks = await indexByStem(tree, files.filter(isMask), said);
  const images = await indexByStem(
    tree,
    files.filter((path) => !isMask(path)),
    said,
  );
  const found = [...images].map(([stem, path]): Found => {
    const mask = masks.get(stem);
    const sources = (file: string): MaskSource[] =>
      structures.map((name) => ({
        paths: [join(tree.root, file)],
        values: VALUES[name] as { from: number; to: number },
        codes: CODES[name] as readonly MaskCode[],
      }));
    return {
      path,
      part: partOf(path),
      className: gradeOf(path, mask),
      masks: mask === undefined ? undefined : sources(mask),
    };
  });
  return collect(tree, request, { found, ...said, masks: masks.values() });
}

export const refuge2: Layout = {
  name: 'refuge2',
  title: 'REFUGE2, optic disc and cup, glaucoma',
  tasks: ['segmentation', 'classification'],
  structures: STRUCTURES,
  recognises: ({ files }) =>
    files.some((path) => foldersOf(path).some((folder) => /^(Disc_Cup_Masks|.*Training400)$/i.test(folder))),
  passesOver: isMask,
  read,
};
