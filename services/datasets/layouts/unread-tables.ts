// Tables beside the pictures that may say which patient each is of, and that nobody reads.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { columnNamed, decodeTable, parseCsv } from '../tables/csv-text';
import type { DataFolder } from '../samples/sample';
import { finding, type Finding } from '../samples/finding';
import { fileOf, type FileTree } from '../files/file-tree';
import type { Layout } from './layout';
import { GROUP_COLUMNS, MANIFEST, NAME_COLUMNS } from '../tables/manifest-csv';

const TABLE = /\.(csv|tsv|tab|txt)$/i;
const SPREADSHEET = /^(manifest|metadata|groups?|patients?|subjects?|cases)\.(xlsx?|ods)$/i;
/** Of a table that is not read otherwise: its first row. */
const HEAD_BYTES = 16 * 1024;
/** Tables that are looked into. */
const LOOKED_INTO = 100;

/** The first row of a table, as far as it lies within HEAD_BYTES. */
async function firstRow(path: string): Promise<string[]> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const [line = ''] = decodeTable(buffer.subarray(0, bytesRead)).split(/[\r\n]/);
    return parseCsv(line)[0] ?? [];
  } finally {
    await file.close();
  }
}

/** A warning for each table with groups that is not read, where the samples have none. */
export async function unreadTables(
  { root, files }: FileTree,
  { groupColumn, findings: said = [] }: DataFolder,
  { name }: Layout,
): Promise<Finding[]> {
  // Where a table of the layout reaches no picture, that is what to mend.
  const failed = said.some(({ kind, severity }) => kind === 'group-table' && severity === 'error');
  if (groupColumn !== undefined || name === 'csv' || failed) return [];
  const findings: Finding[] = [];
  const tell = (path: string, what: string): void => {
    const message = `${path} ${what} and is not read: save it as manifest.csv in the data folder to keep its groups together`;
    findings.push(finding('group-table', 'warning', message, [path]));
  };
  const read = files.find((path) => path === 'manifest.csv') ?? files.find((path) => MANIFEST.test(path));
  for (const path of files.filter((each) => TABLE.test(each) && each !== read).slice(0, LOOKED_INTO)) {
    // What cannot be read or is no table has no column of groups.
    const columns = (await firstRow(join(root, path)).catch(() => [])).map((column) => column.trim());
    const column = columnNamed(columns, GROUP_COLUMNS);
    if (column !== undefined && columnNamed(columns, NAME_COLUMNS) !== undefined) tell(path, `has a column ${column}`);
  }
  for (const path of files.filter((each) => SPREADSHEET.test(fileOf(each)))) tell(path, 'is a spreadsheet');
  return findings;
}
