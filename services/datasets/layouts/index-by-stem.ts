// Files of published data sets by the ids that are their names.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { finding, type Finding } from '../samples/finding';
import { normal } from '../files/names';
import { stemOf, type FileTree } from '../files/file-tree';

/** Names in a message. */
const NAMED = 5;

/** What the reader of a layout has to say. */
export interface Said {
  notes: string[];
  findings: Finding[];
}

async function sameBytes(one: string, other: string): Promise<boolean> {
  const [{ size }, { size: otherSize }] = [await stat(one), await stat(other)];
  return size === otherSize && (await readFile(one)).equals(await readFile(other));
}

/** Paths of one id, sorted: all copies of one file? A link that leads nowhere is no copy. */
async function areCopies(root: string, [first, ...others]: readonly string[]): Promise<boolean> {
  for (const other of others) {
    const same = await sameBytes(join(root, first ?? ''), join(root, other)).catch(() => false);
    if (!same) return false;
  }
  return true;
}

function nameTwice(pairs: readonly (readonly string[])[]): Finding {
  const told = pairs.slice(0, NAMED).map((paths) => paths.join(' and '));
  const more = pairs.length > NAMED ? ` and ${pairs.length - NAMED} more` : '';
  const message = `files of one name differ, one cannot tell which is meant, and all of them are left out: ${told.join('; ')}${more}`;
  return finding('name-twice', 'error', message, pairs.flat());
}

/**
 * Files by stem in normal form C. Of copies of one file the first path counts, and `notes` gets a line; files of one stem that
 * differ are left out, and `findings` gets an error that names them.
 */
export async function indexByStem(
  { root }: Pick<FileTree, 'root'>,
  paths: readonly string[],
  { notes, findings }: Said,
  keyOf: (path: string) => string = stemOf,
): Promise<Map<string, string>> {
  const groups = new Map<string, string[]>();
  for (const path of [...paths].sort()) {
    const key = normal(keyOf(path));
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  const index = new Map<string, string>();
  const copies: string[] = [];
  const different: string[][] = [];
  for (const [key, same] of groups) {
    if (await areCopies(root, same)) {
      index.set(key, same[0] as string);
      copies.push(...same.slice(1));
    } else different.push(same);
  }
  if (copies.length > 0) {
    notes.push(`${copies.length} files bear the name of another one and are not read, for example ${copies[0]}`);
  }
  if (different.length > 0) findings.push(nameTwice(different));
  return index;
}
