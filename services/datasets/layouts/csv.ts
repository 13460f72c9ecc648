// A table of one's own: a CSV file whose rows name an image and its mask or its class, and may name a part and a group. Paths
// are relative to the CSV file and stay below its folder. Several structures are several columns of masks. A DICOM file gives
// one sample for each of its frames, and its patient where the table has no column of groups.

import { isAbsolute, join, normalize } from 'node:path';
import { PARTS, partName, type Part } from '../files/part-names';
import type { DataFolder } from '../samples/sample';
import { classIn, columnNamed, groupIn, readTable } from '../tables/csv-text';
import { counted, finding, type Finding } from '../samples/finding';
import { GROUP_COLUMNS, tornColumns } from '../tables/manifest-csv';
import { foldedValue } from '../files/names';
import { collect, layoutError, told, type Found } from './collect';
import { asideFindings } from './dicom-aside';
import { mayBeDicom, withHeaders } from './dicom-headers';
import type { FileTree } from '../files/file-tree';
import type { CsvColumns, Layout, LayoutRequest } from './layout';
import { TablePaths } from './table-paths';

/** Names that a column may have when none is given. */
const USUAL: Readonly<Record<keyof CsvColumns, readonly string[]>> = {
  image: ['image', 'image_path', 'path', 'file', 'filename', 'name', 'image_id', 'file_path'],
  mask: ['mask', 'mask_path', 'segmentation'],
  label: ['label', 'class', 'dx', 'diagnosis'],
  part: ['part', 'split', 'subset'],
  group: GROUP_COLUMNS,
};

function chooseColumn(
  columns: readonly string[],
  role: keyof CsvColumns,
  named: string | undefined,
  field = `columns.${role}`,
): string | undefined {
  const found = columnNamed(columns, named === undefined ? USUAL[role] : [named]);
  if (named === undefined || found !== undefined) return found;
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
  const manifest =
    tables.find((path) => /^manifest\.csv$/i.test(path)) ?? (tables.length === 1 ? tables[0] : undefined);
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

/** What one row says, with the paths of files as they are there; or what is wrong with it. */
async function readRow(
  row: ReadonlyMap<string, string>,
  at: number,
  roles: Roles,
  paths: TablePaths,
): Promise<Found | string> {
  const name = inside(row.get(roles.image) ?? '');
  if (name === undefined) return `row ${at} of the table names no image below the table`;
  const path = await paths.find(name);
  const masks: string[] = [];
  for (const column of roles.masks) {
    const mask = inside(row.get(column) ?? '');
    if (mask !== undefined) masks.push(join(paths.root, await paths.find(mask)));
  }
  return {
    path,
    part: partOf(roles.part && row.get(roles.part), at),
    className: classIn(roles.label && row.get(roles.label)),
    masks: masks.length < roles.masks.length ? undefined : masks.map((mask) => ({ paths: [mask] })),
    group: groupIn(roles.group && row.get(roles.group)),
  };
}

/** What a row says of its image, to be compared. */
const saidOf = ({ part, className, masks = [], group = '' }: Found): string =>
  JSON.stringify([part, className, masks.map(({ paths }) => paths), foldedValue(group)]);

function contradictions(paths: readonly string[]): Finding[] {
  if (paths.length === 0) return [];
  const message = `${counted(paths.length, 'image', ' has', ' have')} rows in the table that contradict each other (${paths[0]})`;
  return [finding('contradiction', 'error', message, paths)];
}

/** A warning about mask files that several images have: of two views of one thing this may be right. */
function sharedMasks(found: readonly Found[]): Finding[] {
  const imagesOf = new Map<string, Set<string>>();
  for (const { path, masks = [] } of found) {
    for (const mask of masks.flatMap(({ paths }) => paths)) {
      imagesOf.set(mask, (imagesOf.get(mask) ?? new Set()).add(path));
    }
  }
  const shared = [...imagesOf.values()].filter(({ size }) => size > 1).flatMap((images) => [...images]);
  if (shared.length === 0) return [];
  const message = `${counted(shared.length, 'image', ' has', ' have')} a mask file that is another one's, too (${shared[0]})`;
  return [finding('note', 'warning', message, shared)];
}

function nothingNamed(problems: DataFolder['problems']): Error {
  const [first] = problems;
  return layoutError(
    `No row of the table can be used: ${first?.name}: ${first?.problem} (${counted(problems.length, 'row')}).`,
  );
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const { columns, rows } = await readTable(join(tree.root, manifestOf(tree)));
  const roles = rolesOf(columns, request);
  const problems: DataFolder['problems'] = [];
  const listed = new Map<string, Found>();
  const contradicted = new Set<string>();
  const paths = new TablePaths(tree.root);
  for (const [index, row] of rows.entries()) {
    const one = await readRow(row, index + 2, roles, paths);
    const shown = told(row.get(roles.image)) ?? `row ${index + 2}`;
    if (typeof one === 'string') problems.push({ name: shown, problem: one });
    else if (listed.has(one.path)) {
      if (saidOf(one) !== saidOf(listed.get(one.path) as Found)) contradicted.add(one.path);
      problems.push({ name: one.path, problem: `row ${index + 2} of the table names an image again` });
    } else listed.set(one.path, one);
  }
  const found = [...listed.values()];
  if (found.length === 0 && problems.length > 0) throw nothingNamed(problems);
  const mentioned = rows.flatMap((row) => [...row.values()].flatMap((cell) => inside(cell) ?? []));
  const byUsual =
    roles.group !== undefined && request.groupColumn === undefined && request.columns?.group === undefined;
  const findings = [
    ...(await paths.unlisted([...listed.keys()], mentioned)),
    ...(byUsual ? tornColumns({ columns, rows }, roles.group as string, 'the table') : []),
    ...contradictions([...contradicted]),
    ...sharedMasks(found),
  ];
  // DICOM files say which patient they are of, where the table does not.
  const headers = await withHeaders(tree.root, found, mayBeDicom);
  const groupColumn = roles.group ?? headers.groupColumn;
  const notes = roles.group === undefined ? headers.notes : [];
  const ofPatients = roles.group === undefined ? headers.findings : [];
  // Without a column of groups nothing may be looked up in manifest.csv: this table is the manifest.
  const data = await collect(
    tree,
    { task: request.task },
    {
      found: headers.found,
      groupColumn: groupColumn ?? '',
      manifestIsRead: true,
      notes,
      findings: [...findings, ...asideFindings(headers.aside), ...ofPatients],
    },
  );
  return { ...data, problems: [...problems, ...headers.problems, ...data.problems], groupColumn };
}

export const csv: Layout = {
  name: 'csv',
  title: 'a CSV file of images with masks or classes',
  tasks: ['segmentation', 'classification'],
  // Only when it is named: manifest.csv stands in many folders.
  recognises: () => false,
  hasMasks: async (tree, named) => {
    const { columns } = await readTable(join(tree.root, manifestOf(tree)));
    return chooseColumn(columns, 'mask', named?.mask) !== undefined;
  },
  passesOver: () => true,
  readsHeaders: true,
  read,
};
