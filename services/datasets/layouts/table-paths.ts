// Paths as a table spells them, and the files that they mean: in any normal form and case, with or without extension, where
// only one file is meant.

import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { counted, finding, type Finding } from '../samples/finding';
import { folded, normal } from '../files/names';
import { isImage, listFolder, stemOf } from '../files/file-tree';

/** The names in a folder by what tables make of them: a table has as many rows as a folder has files. */
class Names {
  private readonly exact: ReadonlySet<string>;
  private readonly byNormal = new Map<string, string[]>();
  private readonly byFolded = new Map<string, string[]>();
  private readonly byStem = new Map<string, string[]>();

  constructor(names: readonly string[]) {
    this.exact = new Set(names);
    for (const name of names) {
      add(this.byNormal, normal(name), name);
      add(this.byFolded, folded(name), name);
      add(this.byStem, folded(stemOf(name)), name);
    }
  }

  /** The one name that is meant by `name`. */
  meant(name: string, withoutExtension: boolean): string | undefined {
    if (this.exact.has(name)) return name;
    return (
      onlyOne(this.byNormal.get(normal(name))) ??
      onlyOne(this.byFolded.get(folded(name))) ??
      (withoutExtension ? onlyOne(this.byStem.get(folded(name))) : undefined)
    );
  }
}

function add(index: Map<string, string[]>, key: string, name: string): void {
  const names = index.get(key);
  if (names) names.push(name);
  else index.set(key, [name]);
}

const onlyOne = (names: readonly string[] = []): string | undefined => (names.length === 1 ? names[0] : undefined);

interface Folder {
  files: readonly string[];
  fileNames: Names;
  folderNames: Names;
}

async function readFolder(path: string): Promise<Folder> {
  const { files, folders } = await listFolder(path).catch(() => ({ files: [], folders: [] }));
  return { files, fileNames: new Names(files), folderNames: new Names(folders) };
}

export class TablePaths {
  private readonly folders = new Map<string, Promise<Folder>>();

  constructor(readonly root: string) {}

  private list(folder: string): Promise<Folder> {
    const known = this.folders.get(folder);
    if (known) return known;
    const listing = readFolder(join(this.root, folder));
    this.folders.set(folder, listing);
    return listing;
  }

  /** The path below the root that a path of the table means; that path itself where no file is meant. */
  async find(path: string): Promise<string> {
    const exact = await access(join(this.root, path)).then(
      () => true,
      () => false,
    );
    if (exact) return path;
    const parts = path.split('/');
    const found: string[] = [];
    for (const [depth, part] of parts.entries()) {
      const last = depth === parts.length - 1;
      const { fileNames, folderNames } = await this.list(found.join('/'));
      const name = (last ? fileNames : folderNames).meant(part, last);
      if (name === undefined) return path;
      found.push(name);
    }
    return found.join('/');
  }

  /** Images beside those of the table that no row mentions. */
  async unlisted(images: readonly string[], mentioned: readonly string[]): Promise<Finding[]> {
    const known = new Set(images);
    for (const path of new Set(mentioned)) known.add(await this.find(path));
    const left: string[] = [];
    for (const folder of new Set(images.map((path) => dirname(path)))) {
      const { files } = await this.list(folder === '.' ? '' : folder);
      const paths = files.map((file) => (folder === '.' ? file : `${folder}/${file}`));
      left.push(...paths.filter((path) => isImage(path) && !known.has(path)));
    }
    if (left.length === 0) return [];
    const message = `${counted(left.length, 'image', ' has', ' have')} no row in the table (${left.slice(0, 3).join(', ')})`;
    return [finding('group-table', 'warning', message, left)];
  }
}
