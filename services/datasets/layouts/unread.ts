// Pictures of a data folder that nobody reads: who reads "no findings" believes that all are in.

import { open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isBmp } from '../../imaging/bmp';
import { foreignFormat, sniffFormat } from '../../imaging/formats';
import { NO_IMAGE } from './data-folder';
import type { DataFolder } from '../samples/sample';
import { counted, finding, type Finding } from '../samples/finding';
import { unnamedDicom } from './dicom-content';
import { fileOf, foldersOf, isImage, type FileTree } from '../files/file-tree';

/** Pictures by their names, those included that nobody here decodes. */
const isPicture = (path: string): boolean =>
  isImage(path) ||
  /\.(dicom|ima|jfif|jpe|gif|hei[cf]|avif|jp2|j2k|jpx|p[bgpn]m|tga|svs|ndpi|mrxs|nii(\.gz)?|nrrd|mh[ad])$/i.test(path);

/** Ignored folders that are named. */
const NAMED = 3;

/** Files whose beginnings are read. */
const LOOKED_INTO = 10_000;

/** Those of some files that are pictures by content, though their names do not say so. */
async function unnamedPictures(root: string, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths.filter((each) => !NO_IMAGE.test(fileOf(each))).slice(0, LOOKED_INTO)) {
    // What cannot be read is no picture that anybody could have wanted.
    const begin = await readBeginning(join(root, path)).catch(() => Buffer.alloc(0));
    if (isPictureByContent(begin)) found.push(path);
  }
  return found;
}

/** Formats that are decoded here, and those that people take for pictures. */
function isPictureByContent(begin: Buffer): boolean {
  // Texts may begin with BM; in BMP four bytes are 0.
  const bmp = isBmp(begin) && begin.length > 9 && begin.readUInt32LE(6) === 0;
  return bmp || sniffFormat(begin) !== undefined || /^(GIF|HEIF|JPEG)/.test(foreignFormat(begin) ?? '');
}

async function readBeginning(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Files below a folder that is not read whose names are those of pictures, copies of metadata included. */
async function picturesBelow(path: string): Promise<number> {
  const files = await readdir(path, { recursive: true }).catch(() => []);
  return files.filter(isPicture).length;
}

/** Paths below the root that samples, masks, named problems and what was left out stand for. */
function knownPaths({ root }: FileTree, { parts, problems, findings = [] }: DataFolder): Set<string> {
  const samples = Object.values(parts).flat();
  const files = samples.flatMap(({ imagePath, masks = [] }) => [imagePath, ...masks.flatMap(({ paths }) => paths)]);
  // A problem may be of several files, or of a frame; names of files may look like either.
  const named = problems.flatMap(({ name }) => [name, ...name.split(' and ').map((one) => one.replace(/#[^/]*$/, ''))]);
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
  const others = unknown.filter((path) => !isPicture(path));
  const unnamed = [...(await unnamedDicom(tree.root, others)), ...(await unnamedPictures(tree.root, others))];
  const unread = [...unknown.filter(isPicture), ...new Set(unnamed)].sort();
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
  const more = ignored.length > NAMED ? ' and more' : '';
  const shown = `(${ignored.slice(0, NAMED).join(', ')}${more})`;
  if (count > 0) {
    const message = `ignored: ${counted(count, 'picture file')} in folders that systems add ${shown}`;
    findings.push(finding('not-read', 'warning', message, ignored));
  }
  const { hidden = [] } = tree;
  if (hidden.length > 0) {
    const message = `ignored: ${counted(hidden.length, 'hidden picture file')}, for example ${hidden[0]}`;
    findings.push(finding('not-read', 'warning', message, hidden));
  }
  return findings;
}
