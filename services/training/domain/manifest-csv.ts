// manifest.csv: which sample belongs to which patient, sequence or source, so that a split never separates them.

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { automedError } from '../../common/errors';
import { columnNamed, columnsNamed, readTable, type CsvTable } from './csv-text';
import { counted, finding, type Finding } from './finding';
import { ManifestRows, type Place } from './manifest-rows';

export { parseCsv, parseTable, type CsvTable } from './csv-text';
export { partName } from './part-names';

/** Columns that groups are taken from when none is named, in any case and spelling of `_`. */
export const GROUP_COLUMNS = [
  ...['group', 'sequence', 'patient', 'subject', 'participant', 'case', 'lesion'].flatMap((name) => [
    name,
    `${name}_id`,
    `${name}_name`,
  ]),
  'pid',
  'group_number',
];
/** Columns that may name a picture. */
const NAME_COLUMNS = [
  ...['name', 'file', 'filename', 'image', 'image_id', 'id', 'path', 'file_path', 'image_path', 'image_name'],
  ...['image_file', 'img', 'img_id', 'img_name', 'picture', 'filepath', 'file_id'],
];
const PART_COLUMNS = ['split', 'part', 'subset'];
const CLASS_COLUMNS = ['class', 'label', 'diagnosis', 'dx'];
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
  /** What is to be said once every picture has been asked for: rows and pictures that do not meet, or no column of groups. */
  findings(): Finding[];
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

/**
 * Reads DIR/manifest.csv.
 * @param wanted a column of groups by name; without it the first of GROUP_COLUMNS that exists
 * @returns nothing when there is no manifest (an error when a column was asked for by name)
 */
export async function readManifest(folder: string, wanted?: string): Promise<Manifest | undefined> {
  const missing = (what: string): Error =>
    automedError('INVALID_ARGUMENT', `Cannot split by "${wanted}": ${what}.`, { field: 'groupColumn' });
  const path = join(folder, 'manifest.csv');
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (!there) {
    if (wanted) throw missing('the data folder has no manifest.csv');
    return undefined;
  }
  const table = await readTable(path);
  const { columns } = table;
  const shown = columns.join(', ');
  const column = columnNamed(columns, wanted ? [wanted] : GROUP_COLUMNS);
  if (column === undefined) {
    if (wanted) throw missing(`manifest.csv has the columns ${shown}`);
    const message = `manifest.csv gives no groups: it has the columns ${shown}; --group-column names one that does`;
    return { findings: () => [finding('group-table', 'warning', message)] };
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
    findings: () => meetings(rows, columns, column),
  };
}

/** The groups of DIR/manifest.csv; nothing when there is no manifest or no such column. */
export async function readGroups(folder: string, wanted?: string): Promise<GroupTable | undefined> {
  return (await readManifest(folder, wanted))?.groups;
}
