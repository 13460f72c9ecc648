// Aliases of models as files NAME/aliases/ALIAS, each with a version in it.

import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../common/make-folder';
import { entriesOf, errnoOf, replaceFile, syncEntries } from './durable';
import { aliasSchema } from './manifests';

/** Where aliases are kept; names and aliases that come here are well formed. */
export interface Aliases {
  /** Version of each alias of a model. */
  read(name: string): Promise<Record<string, number>>;
  /** In one step: readers see the old version or the new one. */
  point(name: string, alias: string, version: number): Promise<void>;
  /** False when there is no such alias. */
  remove(name: string, alias: string): Promise<boolean>;
  isReserved(name: string, alias: string): Promise<boolean>;
  /** For good. */
  reserve(name: string, alias: string): Promise<void>;
}

export const ALIASES = 'aliases';

/** Beside an alias, or in its place: only promotions move it. Begins with a dot, which no alias does. */
export const reservationFile = (alias: string): string => `.${alias}.promoted`;

/** Those among names of files that are aliases, sorted. */
export const aliasesAmong = (files: readonly string[]): string[] =>
  files.filter((file) => aliasSchema.safeParse(file).success).sort();

/** The version that an alias' text names; undefined for one that was deleted meanwhile, or holds none. */
export function versionIn(text: string): number | undefined {
  const version = Number(text);
  return Number.isInteger(version) && version > 0 ? version : undefined;
}

export class AliasFolder implements Aliases {
  constructor(private readonly root: string) {}

  async read(name: string): Promise<Record<string, number>> {
    const folder = this.folderOf(name);
    const found: Record<string, number> = {};
    for (const alias of aliasesAmong(await entriesOf(folder))) {
      const text = await readFile(join(folder, alias), 'utf8').catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return ''; // deleted since it was listed
        throw error;
      });
      const version = versionIn(text);
      if (version !== undefined) found[alias] = version;
    }
    return found;
  }

  async point(name: string, alias: string, version: number): Promise<void> {
    await this.write(name, alias, `${version}\n`);
  }

  async remove(name: string, alias: string): Promise<boolean> {
    const folder = this.folderOf(name);
    const gone = await rm(join(folder, alias)).then(
      () => true,
      (error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return false;
        throw error;
      },
    );
    if (gone) await syncEntries(folder, folder);
    return gone;
  }

  async isReserved(name: string, alias: string): Promise<boolean> {
    return stat(join(this.folderOf(name), reservationFile(alias))).then(
      () => true,
      (error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return false;
        throw error;
      },
    );
  }

  async reserve(name: string, alias: string): Promise<void> {
    await this.write(name, reservationFile(alias), '');
  }

  private folderOf(name: string): string {
    return join(this.root, 'models', name, ALIASES);
  }

  private async write(name: string, file: string, content: string): Promise<void> {
    const folder = this.folderOf(name);
    await makeFolder(folder);
    await replaceFile(join(folder, file), content);
    await syncEntries(folder, this.root);
  }
}
