// Pictures of a data folder that nobody reads: who reads "no findings" believes that all are in.

import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { DataFolder } from './data-folder';
import { counted, finding, type Finding } from './finding';
import { unnamedDicom } from './layouts/dicom-content';
import { foldersOf, isImage, type FileTree } from './layouts/file-tree';

/** Pictures by their names. */
const isPicture = (path: string): boolean => isImage(path) || /\.(dicom|ima)$/i.test(path);

/** Ignored folders that are named. */
const NAMED = 3;

/** Files below a folder that is not read whose names are those of pictures, copies of metadata included. */
async function picturesBelow(path: string): Promise<number> {
  const files = await readdir(path, { recursive: true }).catch(() => []);
  return files.filter(isPicture).length;
}

/** Paths below the root that samples, masks, named problems and what was left out stand for. */
function knownPaths({ root }: FileTree, { parts, problems, findings = [] }: DataFolder): Set<string> {
  const samples = Object.values(parts).flat();
  const files = samples.flatMap(({ imagePath, masks = [] }) => [imagePath, ...masks.flatMap(({ paths }) => paths)]);
  const named = problems.flatMap(({ name }) => name.split(' and ').map((one) => one.replace(/#[^/]*$/, '')));
  const aside = findings.flatMap(({ kind, names }) => (kind === 'left-out' ? names : []));
  return new Set([...files.map((file) => relative(root, file).replaceAll('\\', '/')), ...named, ...aside]);
}

/** Names a few folders, and how many more there are. */
function namedFolders(folders: readonly string[]): string {
  const [first = '', ...more] = folders;
  const name = first === '' ? 'the data folder itself' : first;
  return more.length === 0 ? name : `${name} and ${counted(more.length, 'more folder')}`;
}

/** A warning about pictures that are neither read nor known to the layout, and one about folders that systems add. */
export async function unreadFindings(
  tree: FileTree,
  folder: DataFolder,
  passesOver: (path: string) => boolean,
): Promise<Finding[]> {
  const known = knownPaths(tree, folder);
  const unknown = tree.files.filter((path) => !known.has(path) && !passesOver(path));
  const unnamed = await unnamedDicom(
    tree.root,
    unknown.filter((path) => !isPicture(path)),
  );
  const unread = [...unknown.filter(isPicture), ...unnamed].sort();
  const folders = [...new Set(unread.map((path) => foldersOf(path).join('/')))];
  const findings: Finding[] = [];
  if (unread.length > 0) {
    const holds = folders.length === 1 ? 'holds' : 'hold';
    const message = `${namedFolders(folders)} ${holds} ${counted(unread.length, 'picture', ' that is', ' that are')} not read`;
    findings.push(finding('not-read', 'warning', message, unread));
  }
  const ignored: string[] = [];
  let count = 0;
  for (const path of tree.ignored ?? []) {
    const pictures = await picturesBelow(join(tree.root, path));
    if (pictures > 0) ignored.push(path);
    count += pictures;
  }
  if (count > 0) {
    const more = ignored.length > NAMED ? ' and more' : '';
    const message = `ignored: ${counted(count, 'picture file')} in folders that systems add (${ignored.slice(0, NAMED).join(', ')}${more})`;
    findings.push(finding('not-read', 'warning', message, ignored));
  }
  return findings;
}
