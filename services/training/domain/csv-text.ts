// Tables as people save them: commas, semicolons, tabs or bars; UTF-8, UTF-16 or Windows-1252; columns in any spelling.

import { readFile } from 'node:fs/promises';
import { folded, normal } from './names';

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

/** What separates the fields of a first line: the separator that it has most often outside quotes, a comma where it has none. */
function separatorOf(text: string): string {
  const line = (/^(?:"(?:[^"]|"")*"|[^"\n])*/.exec(text)?.[0] ?? '').replace(/"(?:[^"]|"")*"/g, '');
  const times = (separator: string): number => line.split(separator).length - 1;
  return SEPARATORS.reduce((best, separator) => (times(separator) > times(best) ? separator : best));
}

/** Splits table text into rows of fields; quotes, doubled quotes, separators and line breaks inside quotes are understood. */
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
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === separator) endField();
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

/** Table text whose first row names the columns. */
export function parseTable(text: string): CsvTable {
  const [header = [], ...rows] = parseCsv(text);
  const columns = header.map((column) => normal(column.trim()));
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
