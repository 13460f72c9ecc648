// Brain Tumor MRI (M. Nickparvar, https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset, 2021; made of
// figshare doi 10.6084/m9.figshare.1512427, SARTAJ and Br35H): Training/CLASS/*.jpg and Testing/CLASS/*.jpg with the classes
// glioma, meningioma, notumor and pituitary (SARTAJ's own: glioma_tumor, ..., no_tumor).
//
// The published split holds the same pictures on both sides, and no patient is named: data check says which.

import { type Part, partOfFolder } from '../files/part-names';
import type { DataFolder } from '../samples/sample';
import { collect, type Found } from './collect';
import { foldersOf, isImage, type FileTree } from '../files/file-tree';
import type { Layout, LayoutRequest } from './layout';

/** Part and class of a file, where its folders tell both. */
function placeOf(path: string): { part: Part; className: string } | undefined {
  const [partName = '', className] = foldersOf(path).slice(-2);
  const part = partOfFolder(partName);
  return part === undefined || className === undefined ? undefined : { part, className };
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const found = tree.files.filter(isImage).flatMap((path): Found[] => {
    const place = placeOf(path);
    return place ? [{ path, ...place }] : [];
  });
  const data = await collect(tree, request, { found });
  if (data.groupColumn === undefined) data.notes.push('no patient is named, so a split may separate one patient');
  return data;
}

export const brainMri: Layout = {
  name: 'brain-mri',
  title: 'Brain Tumor MRI',
  tasks: ['classification'],
  recognises: ({ files }) =>
    files.some((path) => /(^|\/)(Training|Testing)\/(glioma|meningioma|pituitary)/i.test(path)),
  read,
};
