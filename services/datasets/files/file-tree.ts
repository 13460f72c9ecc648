// What a data folder holds, listed once: readers of published layouts look for their names in it. Links to folders are
// followed, folders that systems add are not.

import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { automedError } from '../../common/errors';

/** More files than any published data set that is meant for one machine; a home folder given by mistake has them. */
const MAX_FILES = 2_000_000;
/** Folders within folders; archives unpacked into a folder of their own add one or two. */
const MAX_DEPTH = 12;

export interface FileTree {
  root: string;
  /** Paths below the root with forward slashes, sorted; what systems add is left out. */
  files: readonly string[];
  /** Folders that systems add, and folders below the deepest level, which are not read; absent where nothing was listed. */
  ignored?: readonly string[];
  /** Files that are hidden and named like pictures. */
  hidden?: readonly string[];
}

/**
 * Files and folders that systems add: hidden ones and AppleDouble (macOS, RFC 1740), thumbnails and metadata of Synology
 * (`@eaDir`, `#recycle`), of Windows (streams of NTFS copied as files included), of ext4 and of Python. As folders also
 * everything that begins with @.
 */
const ADDED_BY_SYSTEMS =
  /^(\..*|__MACOSX|__pycache__|lost\+found|Temporary Items|Network Trash Folder|\$RECYCLE\.BIN|RECYCLER|System Volume Information|#recycle|#snapshot|Thumbs\.db|ehthumbs\.db|desktop\.ini|Icon\r|.*:Zone\.Identifier|Thumbs\.db:encryptable)$/i;

const addedBySystem = (name: string, isFolder: boolean): boolean =>
  ADDED_BY_SYSTEMS.test(name) || (isFolder && name.startsWith('@'));

/** The picture itself, not what macOS keeps about it in a file of its own. */
const isHiddenPicture = (name: string): boolean => /^\.(?!_)/.test(name) && isImage(name);

export interface Listing {
  files: string[];
  folders: string[];
  /** Folders that systems add. */
  ignored: string[];
  /** Files whose names begin with a dot and are those of pictures. */
  hidden: string[];
}

/** Lists one folder, links as what they lead to; a link that leads nowhere counts as a file. */
export async function listFolder(path: string): Promise<Listing> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw automedError('NOT_FOUND', `The data folder ${path} cannot be read.`, { field: 'data', cause });
  });
  const listing: Listing = { files: [], folders: [], ignored: [], hidden: [] };
  for (const entry of entries) {
    const isFolder = entry.isSymbolicLink()
      ? await stat(join(path, entry.name)).then(
          (target) => target.isDirectory(),
          () => false,
        )
      : entry.isDirectory();
    const added = addedBySystem(entry.name, isFolder);
    if (isFolder) (added ? listing.ignored : listing.folders).push(entry.name);
    else if (!added) listing.files.push(entry.name);
    else if (isHiddenPicture(entry.name)) listing.hidden.push(entry.name);
  }
  for (const names of Object.values(listing) as string[][]) names.sort();
  return listing;
}

function tooLarge(root: string): Error {
  return automedError('INVALID_ARGUMENT', `The folder ${root} holds more than ${MAX_FILES} files.`, { field: 'data' });
}

/** Lists every file below `root`. A folder that contains itself through a link is listed once. */
export async function listTree(root: string): Promise<FileTree> {
  const files: string[] = [];
  const ignored: string[] = [];
  const hidden: string[] = [];
  let folders = 0;
  const walk = async (below: string, above: readonly string[]): Promise<void> => {
    const path = join(root, below);
    const listing = await listFolder(path);
    const own = [...above, await realpath(path)];
    const inside = (name: string): string => (below === '' ? name : `${below}/${name}`);
    files.push(...listing.files.map(inside));
    ignored.push(...listing.ignored.map(inside));
    hidden.push(...listing.hidden.map(inside));
    folders += 1;
    if (files.length + folders > MAX_FILES) throw tooLarge(root);
    for (const name of listing.folders) {
      if (own.length > MAX_DEPTH) ignored.push(inside(name));
      else if (!own.includes(await realpath(join(path, name)))) await walk(inside(name), own);
    }
  };
  await walk('', []);
  return { root, files: files.sort(), ignored, hidden: hidden.sort() };
}

const IMAGE = /\.(png|jpe?g|tiff?|webp|bmp|dcm)$/i;

export const isImage = (path: string): boolean => IMAGE.test(path);

/** The last part of a path, without extension. */
export function stemOf(path: string): string {
  return fileOf(path).replace(/\.[^.]+$/, '');
}

/** The last part of a path. */
export function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folders of a path, outermost first. */
export function foldersOf(path: string): string[] {
  return path.split('/').slice(0, -1);
}
