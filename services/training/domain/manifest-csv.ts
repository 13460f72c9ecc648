// manifest.csv: which sample belongs to which patient, sequence or source, so that a split never separates them.

import { readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { automedError } from '../../common/errors';

export const GROUP_COLUMNS = ['group', 'sequence', 'patient'];
const NAME_COLUMNS = ['name', 'file', 'filename', 'image', 'image_id', 'id'];

/** Splits CSV text into rows of fields; quotes, doubled quotes, commas and line breaks inside quotes are understood. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const endField = (): void => {
    row.push(field);
    field = '';
  };
  const endRow = (): void => {
    endField();
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  const source = text.replace(/^\uFEFF/, '');
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at] as string;
    if (quoted) {
      if (character !== '"') field += character;
      else if (source[at + 1] === '"') field += source[(at += 1)];
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ',') endField();
    else if (character === '\n') endRow();
    else if (character !== '\r') field += character;
  }
  endRow();
  return rows;
}

export interface CsvTable {
  columns: string[];
  /** Trimmed values by column. */
  rows: ReadonlyMap<string, string>[];
}

/** CSV text whose first row names the columns. */
export function parseTable(text: string): CsvTable {
  const [header = [], ...rows] = parseCsv(text);
  const columns = header.map((column) => column.trim());
  return {
    columns,
    rows: rows.map((row) => new Map(columns.map((column, at) => [column, row[at]?.trim() ?? '']))),
  };
}

export interface GroupTable {
  column: string;
  /**
   * Group of a sample, by file stem and, where the manifest tells them apart, split folder and class.
   * @throws InvalidInputError (field `data`) when rows of different groups fit
   */
  groupOf(stem: string, place?: { part?: string | undefined; className?: string | undefined }): string | undefined;
}

/** What a row says about one file; absent where the manifest does not tell. */
interface Row {
  part: string | undefined;
  className: string | undefined;
  group: string;
}

const PART_NAMES: ReadonlyMap<string, string> = new Map([
  ['val', 'validation'],
  ['valid', 'validation'],
  ['training', 'train'],
  ['testing', 'test'],
]);

/** One name for each part, however the manifest spells it. */
export function partName(name: string | undefined): string | undefined {
  const lower = name?.trim().toLowerCase() ?? '';
  return PART_NAMES.get(lower) ?? (lower || undefined);
}

const agree = (told: string | undefined, asked: string | undefined): boolean =>
  told === undefined || asked === undefined || told === asked;

/**
 * The group of a file from the rows of its stem. A row that names another split or class is another file's: nothing is
 * taken from it.
 */
function groupFrom(
  rows: readonly Row[],
  stem: string,
  { part, className }: { part?: string | undefined; className?: string | undefined },
): string | undefined {
  const groups = new Set(
    rows.filter((row) => agree(row.part, partName(part)) && agree(row.className, className)).map(({ group }) => group),
  );
  if (groups.size > 1) {
    throw automedError(
      'INVALID_ARGUMENT',
      `manifest.csv gives ${stem} the groups ${[...groups].sort().join(' and ')}, and the folder does not tell which is meant.`,
      { field: 'data' },
    );
  }
  return groups.values().next().value;
}

/**
 * Reads the group column of DIR/manifest.csv.
 * @param wanted a column by name; without it the first of GROUP_COLUMNS that exists
 * @returns nothing when there is no manifest or no such column (an error when the column was asked for by name)
 */
export async function readGroups(folder: string, wanted?: string): Promise<GroupTable | undefined> {
  const missing = (what: string): Error =>
    automedError('INVALID_ARGUMENT', `Cannot split by "${wanted}": ${what}.`, { field: 'groupColumn' });
  const text = await readFile(join(folder, 'manifest.csv'), 'utf8').catch(() => undefined);
  if (text === undefined) {
    if (wanted) throw missing('the data folder has no manifest.csv');
    return undefined;
  }
  const { columns, rows } = parseTable(text);
  const column = wanted ?? GROUP_COLUMNS.find((candidate) => columns.includes(candidate));
  if (column === undefined) return undefined;
  if (!columns.includes(column)) throw missing(`manifest.csv has the columns ${columns.join(', ')}`);
  const nameColumn = NAME_COLUMNS.find((candidate) => candidate !== column && columns.includes(candidate));
  if (!nameColumn) {
    throw automedError('INVALID_ARGUMENT', `manifest.csv has no column ${NAME_COLUMNS.join(', ')}.`, { field: 'data' });
  }
  const byStem = new Map<string, Row[]>();
  for (const row of rows) {
    const group = row.get(column);
    const { name: stem } = parse(row.get(nameColumn) ?? '');
    if (!group || !stem) continue;
    const className = row.get('class');
    const told = { part: partName(row.get('split')), className: className === '' ? undefined : className, group };
    byStem.set(stem, [...(byStem.get(stem) ?? []), told]);
  }
  return { column, groupOf: (stem, place = {}) => groupFrom(byStem.get(stem) ?? [], stem, place) };
}
