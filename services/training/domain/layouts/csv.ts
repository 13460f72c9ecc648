// A table of one's own: a CSV file whose rows name an image and its mask or its class, and may name a part and a group. Paths
// are relative to the CSV file and stay below its folder. Several structures are several columns of masks. A DICOM file gives
// one sample for each of its frames, and its patient where the table has no column of groups.

import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import type { DataFolder, Part } from '../data-folder';
import { GROUP_COLUMNS, parseTable, partName } from '../manifest-csv';
import { collect, layoutError, told, type Found } from './collect';
import { mayBeDicom, withHeaders } from './dicom-headers';
import type { FileTree } from './file-tree';
import type { CsvColumns, Layout, LayoutRequest } from './layout';

/** Names that a column may have when none is given. */
const USUAL: Readonly<Record<keyof CsvColumns, readonly string[]>> = {
  image: ['image', 'image_path', 'path', 'file', 'filename', 'name'],
  mask: ['mask', 'mask_path', 'segmentation'],
  label: ['label', 'class', 'dx', 'diagnosis'],
  part: ['part', 'split', 'subset'],
  group: GROUP_COLUMNS,
};
const PARTS: readonly Part[] = ['train', 'validation', 'test'];

function chooseColumn(
  columns: readonly string[],
  role: keyof CsvColumns,
  named: string | undefined,
  field = `columns.${role}`,
): string | undefined {
  if (named === undefined) return USUAL[role].find((name) => columns.includes(name));
  if (columns.includes(named)) return named;
  throw layoutError(`The table has no column "${named}"; it has ${columns.join(', ')}.`, field);
}

/** A path of the table, below its folder. */
function inside(path: string): string | undefined {
  const clean = normalize(path.replaceAll('\\', '/'));
  return path === '' || isAbsolute(clean) || clean === '..' || clean.startsWith('../') ? undefined : clean;
}

function partOf(text: string | undefined, row: number): Part {
  const part = partName(text) ?? 'train';
  if ((PARTS as readonly string[]).includes(part)) return part as Part;
  throw layoutError(`Row ${row} of the table names the part "${text}"; parts are train, validation and test.`);
}

function manifestOf({ root, files }: FileTree): string {
  const tables = files.filter((path) => !path.includes('/') && /\.csv$/i.test(path));
  const manifest = tables.find((path) => path === 'manifest.csv') ?? (tables.length === 1 ? tables[0] : undefined);
  if (manifest !== undefined) return manifest;
  const what = tables.length === 0 ? 'no CSV file' : `several CSV files (${tables.join(', ')})`;
  throw layoutError(`The folder ${root} has ${what}; name the file itself.`);
}

interface Roles {
  image: string;
  masks: readonly string[];
  label: string | undefined;
  part: string | undefined;
  group: string | undefined;
}

function rolesOf(columns: readonly string[], { task, masks, columns: named = {}, groupColumn }: LayoutRequest): Roles {
  const need = (role: 'image' | 'mask' | 'label'): string => {
    const column = chooseColumn(columns, role, named[role]);
    if (column !== undefined) return column;
    throw layoutError(`The table has no column of ${role}s; it has ${columns.join(', ')}.`, `columns.${role}`);
  };
  const maskColumns = masks?.map((name) => chooseColumn(columns, 'mask', name, 'structures') as string);
  return {
    image: need('image'),
    masks: task === 'classification' ? [] : (maskColumns ?? [need('mask')]),
    label: task === 'classification' ? need('label') : undefined,
    part: chooseColumn(columns, 'part', named.part),
    group: chooseColumn(columns, 'group', groupColumn ?? named.group, 'groupColumn'),
  };
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const { columns, rows } = parseTable(await readFile(join(tree.root, manifestOf(tree)), 'utf8'));
  const roles = rolesOf(columns, request);
  const problems: DataFolder['problems'] = [];
  const seen = new Set<string>();
  const found = rows.flatMap((row, index): Found[] => {
    const at = index + 2;
    const path = inside(row.get(roles.image) ?? '');
    const masks = roles.masks.map((column) => inside(row.get(column) ?? ''));
    const name = path ?? row.get(roles.image) ?? '';
    const problem =
      path === undefined ? 'names no image below the table' : seen.has(path) ? 'names an image again' : '';
    if (path === undefined || problem !== '') {
      problems.push({ name: name || `row ${at}`, problem: `row ${at} of the table ${problem}` });
      return [];
    }
    seen.add(path);
    const missing = masks.includes(undefined);
    return [
      {
        path,
        part: partOf(roles.part && row.get(roles.part), at),
        className: told(roles.label && row.get(roles.label)),
        masks: missing ? undefined : masks.map((mask) => ({ paths: [join(tree.root, mask as string)] })),
        group: told(roles.group && row.get(roles.group)),
      },
    ];
  });
  // DICOM files say which patient they are of, where the table does not.
  const headers = await withHeaders(tree.root, found, mayBeDicom);
  const groupColumn = roles.group ?? headers.groupColumn;
  const notes = roles.group === undefined ? headers.notes : [];
  // Without a column of groups nothing may be looked up in manifest.csv: this table is the manifest.
  const data = await collect(
    tree,
    { task: request.task },
    { found: headers.found, groupColumn: groupColumn ?? '', notes },
  );
  return { ...data, problems: [...problems, ...headers.problems, ...data.problems], groupColumn };
}

export const csv: Layout = {
  name: 'csv',
  title: 'a CSV file of images with masks or classes',
  tasks: ['segmentation', 'classification'],
  // Only when it is named: manifest.csv stands in many folders.
  recognises: () => false,
  read,
};
