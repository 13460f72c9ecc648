// COVID-19 Radiography Database (https://www.kaggle.com/datasets/tawsifurrahman/covid19-radiography-database; Chowdhury et
// al., IEEE Access 8 (2020) 132665; Rahman et al., Computers in Biology and Medicine 132 (2021) 104319):
// CLASS/images/COVID-1.png with CLASS/masks/COVID-1.png, the classes COVID, Lung_Opacity, Normal and Viral Pneumonia.
//
// The masks show the lungs. They are 256 x 256 where the images are 299 x 299: they are brought to the image's size by
// nearest neighbour, so their outlines are a pixel or so coarse.

import { join } from 'node:path';
import type { DataFolder } from '../samples/sample';
import { normal } from '../files/names';
import { chosenStructures, collect, type Found } from './collect';
import { fileOf, foldersOf, isImage, type FileTree } from '../files/file-tree';
import type { Layout, LayoutRequest } from './layout';

const CLASS = /^(COVID|Lung_Opacity|Normal|Viral[ _]Pneumonia)$/i;

const kindOf = (path: string): string => (foldersOf(path).at(-1) ?? '').toLowerCase();
const classOf = (path: string): string => foldersOf(path).at(-2) ?? '';

const isKind = (path: string, kind: string): boolean =>
  isImage(path) && kindOf(path) === kind && CLASS.test(classOf(path));

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const structures = chosenStructures(request, ['lung']);
  const masks = new Map(
    tree.files
      .filter((path) => isKind(path, 'masks'))
      .map((path) => [normal(`${classOf(path)}/${fileOf(path)}`), path]),
  );
  const images = tree.files.filter((path) => isKind(path, 'images'));
  const found = images.map((path): Found => {
    const mask = masks.get(normal(`${classOf(path)}/${fileOf(path)}`));
    return {
      path,
      part: 'train',
      className: classOf(path),
      masks: mask === undefined ? undefined : structures.map(() => ({ paths: [join(tree.root, mask)], resize: true })),
    };
  });
  const notes =
    request.task === 'segmentation'
      ? ['masks of another size than their image are brought to its size (nearest): the published ones are 256 x 256']
      : [];
  return collect(tree, request, { found, notes, masks: masks.values() });
}

export const covidRadiography: Layout = {
  name: 'covid-radiography',
  title: 'COVID-19 Radiography Database, chest X-rays and lungs',
  tasks: ['segmentation', 'classification'],
  structures: ['lung'],
  recognises: ({ files }) => files.some((path) => isKind(path, 'images')),
  passesOver: (path) => isKind(path, 'masks'),
  read,
};
