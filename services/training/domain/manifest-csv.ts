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

export interface GroupTable {
  column: string;
  /** Group of a sample, by file stem and, where the manifest tells them apart, split folder and class. */
  groupOf(stem: string, place?: { part?: string | undefined; className?: string | undefined }): string | undefined;
}

const keyOf = (...parts: (string | undefined)[]): string => parts.map((part) => part ?? '').join('\u0000');

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
  const [header = [], ...rows] = parseCsv(text);
  const columns = header.map((column) => column.trim());
  const column = wanted ?? GROUP_COLUMNS.find((candidate) => columns.includes(candidate));
  if (column === undefined) return undefined;
  if (!columns.includes(column)) throw missing(`manifest.csv has the columns ${columns.join(', ')}`);
  const nameColumn = NAME_COLUMNS.find((candidate) => candidate !== column && columns.includes(candidate));
  if (!nameColumn) {
    throw automedError('INVALID_ARGUMENT', `manifest.csv has no column ${NAME_COLUMNS.join(', ')}.`, { field: 'data' });
  }
  const groups = new Map<string, string>();
  for (const row of rows) {
    const value = (name: string): string | undefined => row[columns.indexOf(name)]?.trim();
    const group = value(column);
    const stem = parse(value(nameColumn) ?? '').name;
    if (!group || !stem) continue;
    groups.set(keyOf(value('split'), value('class'), stem), group);
    groups.set(keyOf(undefined, value('class'), stem), group);
    groups.set(keyOf(undefined, undefined, stem), group);
  }
  return {
    column,
    groupOf: (stem, { part, className } = {}) =>
      groups.get(keyOf(part, className, stem)) ??
      groups.get(keyOf(undefined, className, stem)) ??
      groups.get(keyOf(undefined, undefined, stem)),
  };
}
