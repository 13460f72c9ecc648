// Paths as a table spells them, and the files that they mean: in any normal form and case, with or without extension, where
// only one file is meant.

import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { counted, finding, type Finding } from '../samples/finding';
import { folded, normal } from '../files/names';
import { isImage, listFolder, stemOf, type Listing } from '../files/file-tree';

const onlyOne = (names: readonly string[]): string | undefined => (names.length === 1 ? names[0] : undefined);

/** The one of `names` that is meant by `name`. */
function meant(names: readonly string[], name: string, withoutExtension: boolean): string | undefined {
  const alike = (same: (one: string) => boolean): string | undefined => onlyOne(names.filter(same));
  return (
    names.find((one) => one === name) ??
    alike((one) => normal(one) === normal(name)) ??
    alike((one) => folded(one) === folded(name)) ??
    (withoutExtension ? alike((one) => folded(stemOf(one)) === folded(name)) : undefined)
  );
}

export class TablePaths {
  private readonly listings = new Map<string, Promise<Listing>>();

  constructor(readonly root: string) {}

  private list(folder: string): Promise<Listing> {
    const known = this.listings.get(folder);
    if (known) return known;
    const listing = listFolder(join(this.root, folder)).catch(() => ({
      files: [],
      folders: [],
      ignored: [],
      hidden: [],
    }));
    this.listings.set(folder, listing);
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
      const { files, folders } = await this.list(found.join('/'));
      const name = meant(last ? files : folders, part, last);
      if (name === undefined) return path;
      found.push(name);
    }
    return found.join('/');
  }

  /** Images beside those of the table that no row mentions. */
  async unlisted(images: readonly string[], mentioned: readonly string[]): Promise<Finding[]> {
    const known = new Set([...images, ...(await Promise.all(mentioned.map((path) => this.find(path))))]);
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
