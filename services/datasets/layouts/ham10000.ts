// HAM10000 (dermoscopy, https://doi.org/10.7910/DVN/DBW86T; Tschandl et al., Scientific Data 5 (2018) 180161): images in
// HAM10000_images_part_1/ and _part_2/, HAM10000_metadata (.csv in most mirrors, .tab as the Dataverse hands it out) with the
// columns lesion_id, image_id, dx, ..., and masks in HAM10000_segmentations_lesion_tschandl/*_segmentation.png.
//
// Many lesions were photographed more than once, so a split keeps each lesion_id together. The classes are the seven of dx.

import { join } from 'node:path';
import type { DataFolder } from '../samples/sample';
import { columnNamed, groupIn, readTable, type CsvTable } from '../tables/csv-text';
import { chosenStructures, collect, layoutError, told, type Found } from './collect';
import { fileOf, foldersOf, isImage, stemOf, type FileTree } from '../files/file-tree';
import { indexByStem, type Said } from './index-by-stem';
import type { Layout, LayoutRequest } from './layout';
import { SideTable } from './side-table';

const METADATA = /^HAM10000_metadata(\.(csv|tab|txt))?$/i;
const SEGMENTATION = /_segmentation$/i;

const isPhotograph = (path: string): boolean => foldersOf(path).some((folder) => /^HAM10000_images/i.test(folder));
const isMask = (path: string): boolean => isImage(path) && SEGMENTATION.test(stemOf(path));

async function readMetadata({ root, files }: FileTree): Promise<CsvTable> {
  const path = files.find((file) => METADATA.test(fileOf(file)));
  if (path === undefined) throw layoutError(`The folder ${root} has no HAM10000_metadata.csv.`);
  const table = await readTable(join(root, path));
  for (const column of ['image_id', 'lesion_id', 'dx']) {
    if (columnNamed(table.columns, [column]) !== undefined) continue;
    throw layoutError(`${path} has no column ${column}; it has ${table.columns.join(', ')}.`);
  }
  return table;
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const said: Said = { notes: [], findings: [] };
  const structures = chosenStructures(request, ['lesion']);
  const { columns, rows } = await readMetadata(tree);
  const groupColumn = request.groupColumn ?? 'lesion_id';
  const named = (column: string): string => columnNamed(columns, [column]) ?? column;
  if (!columns.includes(named(groupColumn))) {
    throw layoutError(`HAM10000_metadata has the columns ${columns.join(', ')}, not ${groupColumn}.`, 'groupColumn');
  }
  const facts = new SideTable(
    'HAM10000_metadata',
    rows.map(
      (row) =>
        [
          row.get(named('image_id')) ?? '',
          { dx: row.get(named('dx')), group: groupIn(row.get(named(groupColumn))) },
        ] as const,
    ),
    (one, other) => one.dx === other.dx && one.group === other.group,
  );
  const masks = await indexByStem(tree, tree.files.filter(isMask), said, (path) =>
    stemOf(path).replace(SEGMENTATION, ''),
  );
  const photographs = tree.files.filter((path) => isImage(path) && isPhotograph(path) && !isMask(path));
  const found = [...(await indexByStem(tree, photographs, said))].map(([stem, path]): Found => {
    const mask = masks.get(stem);
    const row = facts.get(stem);
    return {
      path,
      part: 'train',
      className: told(row?.dx),
      group: row?.group,
      masks: mask === undefined ? undefined : structures.map(() => ({ paths: [join(tree.root, mask)] })),
    };
  });
  const findings = [...said.findings, ...facts.findings()];
  return collect(tree, request, { found, groupColumn, notes: said.notes, findings, masks: masks.values() });
}

export const ham10000: Layout = {
  name: 'ham10000',
  title: 'HAM10000, pigmented skin lesions',
  tasks: ['segmentation', 'classification'],
  structures: ['lesion'],
  recognises: ({ files }) => files.some((path) => METADATA.test(fileOf(path))) && files.some(isPhotograph),
  passesOver: isMask,
  read,
};
