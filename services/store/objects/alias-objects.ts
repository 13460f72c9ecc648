// Aliases of models as objects models/NAME/aliases/ALIAS, each with a version in it.

import { automedError } from '../../common/errors';
import { ALIASES, aliasesAmong, reservationFile, versionIn, type Aliases } from '../aliases';
import type { ObjectStore } from './object-store';

const folderOf = (name: string): string => `models/${name}/${ALIASES}/`;

const moved = (name: string, alias: string): Error =>
  automedError(
    'ILLEGAL_STATE',
    `${name}@${alias} was moved by somebody else at the same moment; look at it and ask again.`,
    { field: 'alias' },
  );

export class AliasObjects implements Aliases {
  constructor(private readonly objects: ObjectStore) {}

  async read(name: string): Promise<Record<string, number>> {
    const folder = folderOf(name);
    const files = (await this.objects.list(folder)).map(({ key }) => key.slice(folder.length));
    const found: Record<string, number> = {};
    for (const alias of aliasesAmong(files)) {
      const version = versionIn((await this.objects.read(`${folder}${alias}`))?.text ?? '');
      if (version !== undefined) found[alias] = version;
    }
    return found;
  }

  async point(name: string, alias: string, version: number): Promise<void> {
    const key = `${folderOf(name)}${alias}`;
    const text = `${version}\n`;
    const before = await this.objects.read(key);
    if (before?.text === text) return;
    if (await this.objects.write(key, text, before ? { etag: before.etag } : 'absent')) return;
    // The answer to a first try may have been lost on its way.
    if ((await this.objects.read(key))?.text === text) return;
    throw moved(name, alias);
  }

  /** Leaves an empty object, which is no alias: few stores delete under a condition, and all that are used here write under one. */
  async remove(name: string, alias: string): Promise<boolean> {
    const key = `${folderOf(name)}${alias}`;
    const before = await this.objects.read(key);
    if (before === undefined || versionIn(before.text) === undefined) return false;
    if (await this.objects.write(key, '', { etag: before.etag })) return true;
    // Gone by now, by a first try whose answer was lost or by somebody else.
    if (versionIn((await this.objects.read(key))?.text ?? '') === undefined) return true;
    throw moved(name, alias);
  }

  async isReserved(name: string, alias: string): Promise<boolean> {
    return (await this.objects.read(`${folderOf(name)}${reservationFile(alias)}`)) !== undefined;
  }

  async reserve(name: string, alias: string): Promise<void> {
    await this.objects.write(`${folderOf(name)}${reservationFile(alias)}`, '');
  }
}
