// The ISIC challenges of 2016, 2017 and 2018 (dermoscopy, https://challenge.isic-archive.com/data; Gutman et al.,
// arXiv:1605.01397; Codella et al., arXiv:1710.05006 and arXiv:1902.03368), as their archives unpack. With YEAR standing for
// ISBI2016_ISIC, ISIC-2017 or ISIC2018:
//
//   images  YEAR_[Part1|Part3|Task1-2|Task3]_{Training,Validation,Test[_v2]}_{Data,Input}/ISIC_0000000.jpg
//   masks   YEAR_{Part1,Task1}_{...}_GroundTruth/ISIC_0000000_segmentation.png
//   classes 2016 YEAR_Part3_*_GroundTruth.csv without header (image, benign|malignant)
//           2017 YEAR_*_Part3_GroundTruth.csv (image_id, melanoma, seborrheic_keratosis; neither is a nevus)
//           2018 YEAR_Task3_*_GroundTruth.csv (image, MEL, NV, ..., one of them 1)
//   groups  2018 YEAR_Task3_Training_LesionGroupings.csv (image, lesion_id, ...)

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../files/part-names';
import type { DataFolder } from '../samples/sample';
import { decodeTable } from '../tables/csv-text';
import { chosenStructures, collect, told, type Found } from './collect';
import { fileOf, foldersOf, isImage, stemOf, type FileTree } from '../files/file-tree';
import { indexByStem, type Said } from './index-by-stem';
import { readClasses, readLesions } from './isic-tables';
import type { Layout, LayoutRequest } from './layout';
import { SideTable } from './side-table';

const IMAGES = /^(ISBI2016_ISIC|ISIC-?2017|ISIC-?2018).*_(Data|Input)$/i;
const MASKS = /^(ISBI2016_ISIC|ISIC-?2017|ISIC-?2018).*(Part1|Task1)_.*GroundTruth$|^ISIC-?2017_.*_Part1_GroundTruth$/i;
const CLASSES = /^(ISBI2016_ISIC|ISIC-?2017|ISIC-?2018).*(Part3|Task3).*GroundTruth\.csv$/i;
const GROUPINGS = /_LesionGroupings\.csv$/i;
/** The images of the third task of 2016 and 2018 are others than those of the first. */
const THIRD_TASK = /_(Part3|Task3)_/i;
const MASK_SUFFIX = /_segmentation$/i;

const inFolder = (path: string, name: RegExp): boolean => foldersOf(path).some((folder) => name.test(folder));

function partOf(path: string): Part {
  const folder = foldersOf(path).findLast((name) => IMAGES.test(name)) ?? '';
  return /_Validation_/i.test(folder) ? 'validation' : /_Test_/i.test(folder) ? 'test' : 'train';
}

async function readAll({ root, files }: FileTree, name: RegExp): Promise<{ title: string; text: string }[]> {
  const paths = files.filter((path) => name.test(fileOf(path)));
  const read = async (path: string): Promise<string> => decodeTable(await readFile(join(root, path)));
  return Promise.all(paths.map(async (path) => ({ title: fileOf(path), text: await read(path) })));
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const said: Said = { notes: [], findings: [] };
  const structures = chosenStructures(request, ['lesion']);
  const all = tree.files.filter((path) => isImage(path) && inFolder(path, IMAGES) && !/superpixels/i.test(path));
  const third = all.filter((path) => inFolder(path, THIRD_TASK));
  const classification = request.task === 'classification';
  const images = classification ? (third.length > 0 ? third : all) : all.filter((path) => !third.includes(path));
  const masks = await indexByStem(
    tree,
    tree.files.filter((path) => isImage(path) && inFolder(path, MASKS)),
    said,
    (path) => stemOf(path).replace(MASK_SUFFIX, ''),
  );
  const tablesOfClasses = classification
    ? (await readAll(tree, CLASSES)).map(({ text, title }) => readClasses(text, title))
    : [];
  const classes = new SideTable(
    'the tables of classes',
    tablesOfClasses.flatMap(({ rows }) => rows),
  );
  const groupings = await readAll(tree, GROUPINGS);
  const lesions = new SideTable(
    'the table of lesions',
    groupings.flatMap(({ text, title }) => readLesions(text, title)),
  );
  const found = [...(await indexByStem(tree, images, said))].map(([stem, path]): Found => {
    const mask = masks.get(stem);
    return {
      path,
      part: partOf(path),
      className: classification ? told(classes.get(stem)) : undefined,
      // Lesions are published for the training part of the third task only.
      group: partOf(path) === 'train' && lesions.size > 0 ? lesions.get(stem) : undefined,
      masks: mask === undefined ? undefined : structures.map(() => ({ paths: [join(tree.root, mask)] })),
    };
  });
  // A table of another task than the images says nothing about them.
  const tables = [...(classification ? [classes] : []), ...(third.length > 0 && classification ? [lesions] : [])];
  const findings = [
    ...said.findings,
    ...tablesOfClasses.flatMap((table) => table.findings),
    ...tables.flatMap((table) => (table.size > 0 ? table.findings() : [])),
  ];
  const grouped = found.some(({ group }) => group !== undefined);
  return collect(tree, request, {
    found,
    ...(grouped ? { groupColumn: 'lesion_id' } : {}),
    notes: said.notes,
    findings,
    masks: masks.values(),
  });
}

export const isic: Layout = {
  name: 'isic',
  title: 'ISIC challenges 2016, 2017 and 2018, skin lesions',
  tasks: ['segmentation', 'classification'],
  structures: ['lesion'],
  recognises: ({ files }) => files.some((path) => inFolder(path, IMAGES)),
  passesOver: (path) => inFolder(path, IMAGES) || inFolder(path, MASKS) || /superpixels/i.test(path),
  read,
};
