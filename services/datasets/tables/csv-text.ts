// Tables as people save them: commas, semicolons, tabs or bars; UTF-8, UTF-16 or Windows-1252; columns in any spelling.

import { readFile } from 'node:fs/promises';
import { automedError } from '../../common/errors';
import { folded, normal } from '../files/names';

const SEPARATORS = [',', ';', '\t', '|'] as const;

/** Text of a table: UTF-16 where a byte order mark says so, UTF-8, else what old spreadsheets write. */
export function decodeTable(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

const QUOTED = /"(?:[^"]|"")*"/g;

/**
 * What separates the fields of a table: of the separators that its first line has, outside quotes, those that its second has
 * as often; of these the most frequent. A comma where the first line has none.
 */
function separatorOf(text: string): string {
  const [first = '', second = ''] = text.replace(QUOTED, '').split(/[\r\n]+/);
  const times = (line: string, separator: string): number => line.split(separator).length - 1;
  const there = SEPARATORS.filter((separator) => times(first, separator) > 0);
  const even = there.filter((separator) => times(first, separator) === times(second, separator));
  const candidates = even.length > 0 ? even : there;
  return candidates.reduce<string>(
    (best, separator) => (times(first, separator) > times(first, best) ? separator : best),
    candidates[0] ?? ',',
  );
}

/**
 * Splits table text into rows of fields; quotes, doubled quotes, separators and line breaks inside quotes are understood.
 * A quote within a field that does not begin with one is a character like others (5" scope).
 * @throws InvalidInputError (field `data`) for a quote that is closed within a value or never: it takes in what follows
 */
export function parseCsv(text: string): string[][] {
  const unmarked = text.replace(/^\uFEFF/, '');
  // Spreadsheets may name the separator in a line of its own.
  const told = /^"?sep=(.)"?\r?\n/i.exec(unmarked);
  const source = told ? unmarked.slice(told[0].length) : unmarked;
  const separator = told?.[1] ?? separatorOf(source);
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
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at] as string;
    if (quoted) {
      if (character !== '"') field += character;
      else if (source[at + 1] === '"') field += source[(at += 1)];
      else {
        quoted = false;
        if (!/^[ \r\n]?$/.test(source[at + 1] ?? '') && source[at + 1] !== separator)
          throw malformed(`a quote in row ${rows.length + 1} ends within a value`);
      }
    } else if (character === '"' && field.trim() === '') {
      quoted = true;
      field = '';
    } else if (character === separator) endField();
    else if (character === '\n') endRow();
    else if (character === '\r') {
      if (source[at + 1] !== '\n') endRow();
    } else field += character;
  }
  if (quoted) throw malformed(`a quote in row ${rows.length + 1} is never closed`);
  endRow();
  return rows;
}

function malformed(what: string): Error {
  return automedError('INVALID_ARGUMENT', `The table cannot be read: ${what}.`, { field: 'data' });
}

/** Refuses rows whose values would stand under other columns than their own. */
function checkLengths(columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const at = rows.findIndex((row) => row.slice(columns.length).some((cell) => cell.trim() !== ''));
  if (at < 0) return;
  const count = (rows[at] as readonly string[]).length;
  throw malformed(
    `row ${at + 2} has ${count} fields where the first row names ${columns.length} columns (${columns.join(', ')}); ` +
      'a value that contains the separator must be quoted',
  );
}

export interface CsvTable {
  columns: string[];
  /** Trimmed values by column. */
  rows: ReadonlyMap<string, string>[];
}

/**
 * Table text whose first row names the columns.
 * @throws InvalidInputError (field `data`) for a row with more fields than there are columns
 */
export function parseTable(text: string): CsvTable {
  const [header = [], ...rows] = parseCsv(text);
  const columns = header.map((column) => normal(column.trim()));
  checkLengths(columns, rows);
  return {
    columns,
    rows: rows
      .filter((row) => row.some((cell) => cell.trim() !== ''))
      .map((row) => new Map(columns.map((column, at) => [column, row[at]?.trim() ?? '']))),
  };
}

export async function readTable(path: string): Promise<CsvTable> {
  return parseTable(decodeTable(await readFile(path)));
}

const keyOf = (column: string): string => folded(column).replace(/[\s_-]+/g, '');

/** The first column that bears one of `names`: spelled so, else in any case and with or without `_`, `-` and blanks. */
export function columnNamed(columns: readonly string[], names: readonly string[]): string | undefined {
  return columnsNamed(columns, names)[0];
}

/** All columns that bear one of `names`, in the order of the names. */
export function columnsNamed(columns: readonly string[], names: readonly string[]): string[] {
  const found = names.flatMap((name) => {
    const exact = columns.find((column) => column === normal(name));
    return exact ?? columns.find((column) => keyOf(column) === keyOf(name)) ?? [];
  });
  return [...new Set(found)];
}

/** Cells by which tables say that they do not know: what pandas takes for that, and what people write. */
const NOTHING = /^(-+|\?+|n\/?a|#n\/?a|<na>|-?nan|null|none|nil|unknown|missing|undefined)$/i;

/** The patient, sequence or source that a cell names; nothing where it says that nobody knows: unknown is no patient. */
export function groupIn(cell: string | undefined): string | undefined {
  return cell === undefined || cell === '' || NOTHING.test(cell) ? undefined : normal(cell);
}

/** The class that a cell names; nothing for the empty cells of programs. "none" and "unknown" may be classes. */
export function classIn(cell: string | undefined): string | undefined {
  return cell === undefined || /^(#?n\/a|-?nan|<na>|null)?$/i.test(cell) ? undefined : cell;
}
