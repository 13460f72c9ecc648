// Versions as folders NAME/VERSION/ of this machine.

import { readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { makeFolder } from '../common/make-folder';
import { automedError } from '../common/errors';
import {
  entriesOf,
  errnoOf,
  publishFolder,
  removeFolder,
  storageError,
  sweepTemporaries,
  syncEntries,
  temporaryName,
} from './durable';
import { nameSchema } from './manifests';
import { factsOf, Versions, type Describe, type Facts, type Manifest, type Populate, type Stored } from './versions';

/** An empty file `.given-N` for every number ever given to a version; it outlives the version, so no number comes again. */
const GIVEN = /^\.given-([1-9]\d{0,8})$/;
/** What stores of before have instead: a file with the highest version that was deleted. */
export const LAST_DELETED = '.last-deleted';

export class VersionedFolder<M extends Manifest> extends Versions<M> {
  constructor(
    private readonly root: string,
    kind: 'model' | 'base' | 'backbone',
    schema: z.ZodType<M>,
  ) {
    super(kind, schema);
  }

  /** Creates the folder and deletes what interrupted writers left. */
  async prepare(): Promise<void> {
    await makeFolder(this.root);
    await sweepTemporaries(this.root);
    for (const name of await this.names()) await sweepTemporaries(this.folderOf(name));
  }

  folderOf(name: string): string {
    return join(this.root, this.checkName(name));
  }

  async names(): Promise<string[]> {
    const entries = await readdir(this.root, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && nameSchema.safeParse(entry.name).success)
      .map((entry) => entry.name)
      .sort();
  }

  /** Ascending. */
  async versions(name: string): Promise<number[]> {
    const entries = await entriesOf(this.folderOf(name));
    return entries
      .filter((entry) => /^[1-9]\d{0,8}$/.test(entry))
      .map(Number)
      .sort((a, b) => a - b);
  }

  protected async manifestText(name: string, version: number): Promise<string> {
    return readFile(join(this.folderOf(name), String(version), `${this.kind}.json`), 'utf8');
  }

  protected stored(manifest: M): Stored<M> {
    const folder = join(this.folderOf(manifest.name), String(manifest.version));
    return { manifest, folder, weightsPath: join(folder, manifest.weights.file) };
  }

  /** Writes the next version: nothing of it is visible before all of it is on the disk. */
  async register(name: string, describe: Describe<M>, populate: Populate<M>): Promise<Stored<M>> {
    const parent = this.folderOf(name);
    const temporary = join(parent, temporaryName());
    try {
      await makeFolder(temporary);
      await sweepTemporaries(parent);
      const late = (await populate(temporary)) ?? {};
      const version = await this.publish(name, temporary, (facts) => describe(facts, late));
      return await this.read(name, version);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      await rmdir(parent).catch(() => undefined); // only when empty: nothing of this name was ever registered
      throw storageError(error);
    }
  }

  async remove(name: string, version: number): Promise<void> {
    await this.keepNumber(name, (await this.versions(name)).at(-1) ?? version);
    await removeFolder(join(this.folderOf(name), String(version)));
  }

  /** Deletes every version; the number of the next one goes on from theirs. */
  async removeAll(name: string): Promise<void> {
    const versions = await this.versions(name);
    await this.keepNumber(name, versions.at(-1));
    // The highest last: whoever is interrupted leaves `name` meaning what it meant.
    for (const version of versions) await removeFolder(join(this.folderOf(name), String(version)));
  }

  private async publish(name: string, temporary: string, describe: (facts: Facts) => M): Promise<number> {
    const { weights, files } = await factsOf(temporary);
    for (;;) {
      const version = await this.claimNumber(name);
      const manifest = this.schema.parse(describe({ version, weights, files }));
      await writeFile(join(temporary, `${this.kind}.json`), `${JSON.stringify(manifest, null, 2)}\n`);
      const parent = this.folderOf(name);
      // False: a store of before has a version of this number without a mark.
      if (!(await publishFolder(temporary, join(parent, String(version))))) continue;
      await syncEntries(parent, dirname(this.root));
      return version;
    }
  }

  /** Takes a number that no version of this name has had, for good: whoever dies now leaves a gap. */
  private async claimNumber(name: string): Promise<number> {
    for (;;) {
      const version = (await this.highestGiven(name)) + 1;
      try {
        await writeFile(join(this.folderOf(name), `.given-${version}`), '', { flag: 'wx', flush: true });
        return version;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error; // else another process was faster
      }
    }
  }

  /** Keeps a number from being given again. */
  private async keepNumber(name: string, version: number | undefined): Promise<void> {
    if (version === undefined || (await this.marks(name)).some((mark) => mark >= version)) return;
    await writeFile(join(this.folderOf(name), `.given-${version}`), '', { flush: true });
    await syncEntries(this.folderOf(name), this.folderOf(name));
  }

  private async highestGiven(name: string): Promise<number> {
    const deleted = await readFile(join(this.folderOf(name), LAST_DELETED), 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return '0';
      throw error;
    });
    if (!/^\d{1,9}\n?$/.test(deleted)) throw this.corruptMark(name);
    return Math.max(Number(deleted), ...(await this.marks(name)), ...(await this.versions(name)));
  }

  private async marks(name: string): Promise<number[]> {
    return (await entriesOf(this.folderOf(name))).flatMap((entry) => GIVEN.exec(entry)?.[1] ?? []).map(Number);
  }

  private corruptMark(name: string): Error {
    const text = `The ${this.kind} ${name} cannot get another version: its ${LAST_DELETED} holds no number.`;
    return automedError('ILLEGAL_STATE', text, { field: this.kind });
  }
}
