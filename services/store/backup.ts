// Copies of a whole store: made while services work on it, and checked before anybody relies on them.

import { constants } from 'node:fs';
import { copyFile, cp, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from '../common/make-folder';
import { automedError, NotFoundError } from '../common/errors';
import { auditStore, type Audit } from './audit';
import { copyDatabase, databaseFiles } from './databases';
import { ModelStore } from './model-store';
import { errnoOf, filesBelow, storageError, syncFolder, temporaryName } from './durable';

/** What a backup holds; checkpoints of runs under way and logs are not part of it. */
const FOLDERS = ['models', 'bases', 'backbones', 'evaluations', 'reviews'];
const ALIASES = /[\\/]aliases[\\/]/;

export interface BackupOptions {
  /**
   * Links files instead of copying them: no room and no time, on the same file system only, and no help against a disk that
   * damages files.
   */
  link?: boolean;
}

async function aliasTexts(root: string): Promise<string> {
  const store = await ModelStore.open(root);
  const found: [string, Record<string, number>][] = [];
  for (const name of await store.modelNames()) found.push([name, await store.aliases(name)]);
  return JSON.stringify(found.filter(([, aliases]) => Object.keys(aliases).length > 0));
}

/** Databases, and aliases as they were at the same moment: nothing is promoted in between. */
async function copyDatabases(root: string, target: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const before = await aliasTexts(root);
    await rm(join(target, 'models'), { recursive: true, force: true });
    await mkdir(join(target, 'models'));
    for (const file of await databaseFiles(root)) {
      await rm(join(target, file), { force: true });
      await copyDatabase(join(root, file), join(target, file));
    }
    await copyTree(join(root, 'models'), join(target, 'models'), (path) => ALIASES.test(path), {});
    if (before === (await aliasTexts(root)) && before === (await aliasTexts(target))) return;
    if (attempt >= 20) throw automedError('ILLEGAL_STATE', 'Aliases move all the time; try the backup again.');
  }
}

async function copyTree(
  from: string,
  to: string,
  wanted: (path: string) => boolean,
  { link: linked = false }: BackupOptions,
): Promise<void> {
  for await (const path of filesBelow(from)) {
    const within = path.slice(from.length);
    if (within.includes('.incoming-') || !wanted(path)) continue;
    await makeFolder(dirname(join(to, within)));
    try {
      if (linked) await link(path, join(to, within));
      else await copyFile(path, join(to, within), constants.COPYFILE_FICLONE);
    } catch (error) {
      // Deleted since it was listed; a version that is gone in part is what the check finds.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

async function refuseUnlessEmpty(folder: string, what: string, field: string): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  if (entries.length === 0) return;
  throw automedError('INVALID_ARGUMENT', `${folder} is not empty; ${what}.`, { field });
}

async function checked(root: string, what: string): Promise<Audit> {
  const audit = await auditStore(root).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw automedError('NOT_FOUND', `${what} cannot be used. ${error.message}`, { field: 'backup', cause: error });
  });
  const [first] = audit.problems;
  if (!first) return audit;
  const more = audit.problems.length > 1 ? `, and ${audit.problems.length - 1} more` : '';
  throw automedError('CHECKPOINT_CORRUPT', `${what} is damaged: ${first.subject}: ${first.problem}${more}`);
}

/** Makes `target` of what `fill` writes, whole or not at all. */
async function publish(target: string, fill: (folder: string) => Promise<Audit>): Promise<Audit> {
  const temporary = join(dirname(target), `${temporaryName()}-${basename(target)}`);
  try {
    await makeFolder(temporary);
    const audit = await fill(temporary);
    await syncFolder(temporary);
    await rename(temporary, target);
    return audit;
  } catch (error) {
    throw storageError(error);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Copies a store, services at work or not, into a folder that does not exist or is empty, and checks the copy.
 * @throws CheckpointError (CHECKPOINT_CORRUPT) when the copy, and so probably the store, is damaged
 */
export async function backupStore(root: string, target: string, options: BackupOptions = {}): Promise<Audit> {
  const [from, to] = [resolve(root), resolve(target)];
  await ModelStore.existing(from);
  await refuseUnlessEmpty(to, 'a backup goes into a folder of its own', 'target');
  return publish(to, async (folder) => {
    await copyDatabases(from, folder);
    // Afterwards: what databases and aliases name was there before them.
    for (const kind of FOLDERS) {
      await copyTree(join(from, kind), join(folder, kind), (path) => !ALIASES.test(path), options);
    }
    return checked(folder, 'The copy');
  });
}

/**
 * Makes a store of a backup, which is checked first. The backup stays as it is.
 * @throws InvalidInputError when there is a store already
 */
export async function restoreStore(backup: string, root: string): Promise<Audit> {
  const [from, to] = [resolve(backup), resolve(root)];
  await refuseUnlessEmpty(to, 'move the store away first, or restore into another folder', 'home');
  await checked(from, 'The backup');
  return publish(to, async (folder) => {
    await cp(from, folder, { recursive: true, mode: constants.COPYFILE_FICLONE });
    return checked(folder, 'The restored store');
  });
}
