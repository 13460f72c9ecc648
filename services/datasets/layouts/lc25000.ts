// LC25000 (histopathology, https://github.com/tampapath/lung_colon_image_set; Borkowski et al., arXiv:1912.12142):
// lung_colon_image_set/lung_image_sets/{lung_aca,lung_n,lung_scc}/*.jpeg and colon_image_sets/{colon_aca,colon_n}/*.jpeg.
//
// The 25,000 tiles were made from 750 of lung and 500 of colon by turning and mirroring, and their names do not tell which
// belong together: a split at random puts copies of one tile on both sides. manifest.csv with a group column says it
// (lists were worked out by https://github.com/GeorgeBatch/LC25000-clean, annotations/*/final_clusters.json); without it the
// reader warns.

import type { DataFolder } from '../samples/sample';
import { collect, type Found } from './collect';
import { foldersOf, isImage, type FileTree } from '../files/file-tree';
import type { Layout, LayoutRequest } from './layout';

const SET = /^(lung|colon)_image_sets?$/i;
const CLASS = /^(lung_(aca|n|scc)|colon_(aca|n))$/i;

function classOf(path: string): string | undefined {
  const [set = '', className = ''] = foldersOf(path).slice(-2);
  return SET.test(set) && CLASS.test(className) ? className : undefined;
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const found = tree.files.filter(isImage).flatMap((path): Found[] => {
    const className = classOf(path);
    return className === undefined ? [] : [{ path, part: 'train', className }];
  });
  const data = await collect(tree, request, { found });
  if (data.groupColumn === undefined) {
    data.notes.push(
      'these tiles are turned and mirrored copies of 1,250 originals, and no manifest.csv says which belong together: ' +
        'a split separates copies, and its scores are too good to be true',
    );
  }
  return data;
}

export const lc25000: Layout = {
  name: 'lc25000',
  title: 'LC25000, lung and colon tissue',
  tasks: ['classification'],
  recognises: ({ files }) => files.some((path) => classOf(path) !== undefined),
  read,
};
