// manifest.csv: which sample belongs to which patient, sequence or source, so that a split never separates them.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { automedError } from '../../common/errors';
import { columnNamed, columnsNamed, groupIn, readTable, type CsvTable } from './csv-text';
import { counted, finding, type Finding } from '../samples/finding';
import { ManifestRows, type Place } from './manifest-rows';
import { foldedValue } from '../files/names';
import { partOfFolder } from '../files/part-names';

/** Columns that groups are taken from when none is named, in any case and spelling of `_`. */
export const GROUP_COLUMNS = [
  ...['group', 'sequence', 'patient', 'subject', 'participant', 'case', 'lesion'].flatMap((name) => [
    name,
    `${name}_id`,
    `${name}_name`,
  ]),
  'pid',
  'group_number',
  // Numbers of people, and ids under which their pictures were taken.
  ...['patient', 'subject', 'case', 'pat'].flatMap((name) => ['no', 'nr', 'number'].map((end) => `${name}_${end}`)),
  ...['pat', 'individual', 'person', 'donor', 'animal', 'study', 'slide', 'wsi', 'video'].map((name) => `${name}_id`),
  ...['pat', 'individual', 'person', 'donor', 'mrn'],
];
/** Columns that may name a picture. */
export const NAME_COLUMNS = [
  ...['name', 'file', 'filename', 'image', 'image_id', 'id', 'path', 'file_path', 'image_path', 'image_name'],
  ...['image_file', 'img', 'img_id', 'img_name', 'picture', 'filepath', 'file_id'],
];
const PART_COLUMNS = ['split', 'part', 'subset'];
const CLASS_COLUMNS = ['class', 'label', 'diagnosis', 'dx'];
/** In any case, with commas or tabs. */
export const MANIFEST = /^manifest\.(csv|tsv|tab)$/i;
const EXTENSION = /\.(png|jpe?g|tiff?|webp|bmp|dcm|dicom|ima)$/i;

export interface GroupTable {
  column: string;
  /**
   * Group of a sample, by file stem and, where the manifest tells them apart, split folder, class and path.
   * @throws InvalidInputError (field `data`) when rows of different groups fit
   */
  groupOf(stem: string, place?: Place): string | undefined;
}

export interface Manifest {
  /** Absent without a column of groups. */
  groups?: GroupTable;
  /**
   * What is to be said once every picture has been asked for: rows and pictures that do not meet, or no column of groups.
   * @param tellsParts false where the folder has no parts, so that those of the manifest count for nothing
   */
  findings(tellsParts?: boolean): Finding[];
}

/** The column that names the pictures: of several one that holds file names, else the first. */
function nameColumnOf({ columns, rows }: CsvTable, groupColumn: string): string {
  const candidates = columnsNamed(columns, NAME_COLUMNS).filter((column) => column !== groupColumn);
  const files = (column: string): number => rows.filter((row) => EXTENSION.test(row.get(column) ?? '')).length;
  const column = candidates.find((candidate) => files(candidate) * 2 > rows.length) ?? candidates[0];
  if (column !== undefined) return column;
  throw automedError(
    'INVALID_ARGUMENT',
    `manifest.csv names no pictures: it has the columns ${columns.join(', ')}, and none of ${NAME_COLUMNS.join(', ')}.`,
    { field: 'data' },
  );
}

/** Rows and pictures that do not meet. */
function meetings(rows: ManifestRows, columns: readonly string[], column: string): Finding[] {
  const { asked, met, total, unused } = rows.count();
  const shown = `it has the columns ${columns.join(', ')}`;
  if (total === 0) return [finding('group-table', 'error', `manifest.csv has no rows; ${shown}`)];
  const without = `${asked - met} of ${counted(asked, 'picture', ' has', ' have')} no row in manifest.csv`;
  const left = `${unused.length} of its ${counted(total, 'row', ' reaches', ' reach')} no picture, for example ${unused[0]}`;
  const said = [...(met < asked ? [without] : ['manifest.csv']), ...(unused.length > 0 ? [left] : [])];
  if (asked === 0 || (met === asked && unused.length === 0)) return [];
  const message = `${said.join(': ')}; ${shown}, of which ${column} gives the groups`;
  return [finding('group-table', met === 0 ? 'error' : 'warning', message)];
}

/** Whether samples of one group of `other` are in several groups of `column`, so that a split by that tears them. */
function tears(rows: CsvTable['rows'], column: string, other: string): boolean {
  const groupsOf = new Map<string, Set<string>>();
  for (const row of rows) {
    const [group, above] = [groupIn(row.get(column)), groupIn(row.get(other))];
    if (group !== undefined && above !== undefined) {
      groupsOf.set(above, (groupsOf.get(above) ?? new Set()).add(foldedValue(group)));
    }
  }
  return [...groupsOf.values()].some(({ size }) => size > 1);
}

/**
 * A warning for each further column of groups whose groups a split by `column` may tear.
 * @param title the table, as messages name it
 */
export function tornColumns({ columns, rows }: CsvTable, column: string, title = 'manifest.csv'): Finding[] {
  const others = columnsNamed(columns, GROUP_COLUMNS);
  const torn = others.filter((other) => other !== column && tears(rows, column, other));
  return torn.map((other) =>
    finding(
      'group-table',
      'warning',
      `${title} has the columns ${column} and ${other}: ${column} gives the groups, and a split may tear those of ${other}; --group-column chooses`,
    ),
  );
}

/** A warning where the manifest tells parts that the folder does not have: nobody reads them. */
function partsAside({ columns, rows }: CsvTable, tellsParts: boolean): Finding[] {
  const column = columnNamed(columns, PART_COLUMNS);
  const told = new Set(rows.flatMap((row) => partOfFolder(row.get(column ?? '') ?? '') ?? []));
  if (column === undefined || tellsParts || told.size < 2) return [];
  const message =
    `the column ${column} of manifest.csv is not followed, as the folder has no parts of its own: ` +
    'name the file itself as the data, or keep the parts in folders';
  return [finding('group-table', 'warning', message)];
}

/** The manifest of a folder: manifest.csv where it is spelled so, else in another way. */
async function manifestOf(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => MANIFEST.test(name)).sort();
  return names.find((name) => name === 'manifest.csv') ?? names[0];
}

/**
 * Reads DIR/manifest.csv.
 * @param wanted a column of groups by name; without it the first of GROUP_COLUMNS that exists
 * @returns nothing when there is no manifest (an error when a column was asked for by name)
 */
export async function readManifest(folder: string, wanted?: string): Promise<Manifest | undefined> {
  const missing = (what: string): Error =>
    automedError('INVALID_ARGUMENT', `Cannot split by "${wanted}": ${what}.`, { field: 'groupColumn' });
  const file = await manifestOf(folder);
  if (file === undefined) {
    if (wanted) throw missing('the data folder has no manifest.csv');
    return undefined;
  }
  const table = await readTable(join(folder, file));
  const { columns } = table;
  const shown = columns.join(', ');
  const column = columnNamed(columns, wanted ? [wanted] : GROUP_COLUMNS);
  if (column === undefined) {
    if (wanted) throw missing(`manifest.csv has the columns ${shown}`);
    const message = `manifest.csv gives no groups: it has the columns ${shown}; --group-column names one that does`;
    return {
      findings: (tellsParts = true) => [finding('group-table', 'warning', message), ...partsAside(table, tellsParts)],
    };
  }
  const rows = new ManifestRows(table.rows, {
    name: nameColumnOf(table, column),
    group: column,
    part: columnNamed(columns, PART_COLUMNS),
    className: columnNamed(columns, CLASS_COLUMNS.slice(0, 1)),
    label: columnNamed(columns, CLASS_COLUMNS.slice(1)),
  });
  return {
    groups: { column, groupOf: (stem, place = {}) => rows.groupOf(stem, place) },
    findings: (tellsParts = true) => [
      ...meetings(rows, columns, column),
      ...(wanted === undefined ? tornColumns(table, column) : []),
      ...partsAside(table, tellsParts),
    ],
  };
}
