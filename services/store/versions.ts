// One kind of artefact (bases or models) as folders NAME/VERSION/ with a manifest and weights in each.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { z } from 'zod';
import { makeFolder } from '../common/make-folder';
import { excerpt, shortList } from '../common/bounded-text';
import { AutomedError, automedError } from '../common/errors';
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
import { MANIFEST_SCHEMA, nameSchema } from './manifests';

export const WEIGHTS_FILE = 'weights.safetensors';
/** An empty file `.given-N` for every number ever given to a version; it outlives the version, so no number comes again. */
const GIVEN = /^\.given-([1-9]\d{0,8})$/;
/** What stores of before have instead: a file with the highest version that was deleted. */
const LAST_DELETED = '.last-deleted';

interface Manifest {
  name: string;
  version: number;
  weights: { file: string; sha256: string; bytes: number };
  files?: Record<string, string> | undefined;
}

type Facts = Pick<Manifest, 'version' | 'weights'> & { files: Record<string, string> };

/**
 * Writes weights.safetensors, and what else belongs to the version, into the folder it is given. May return fields of the
 * manifest that are known only then.
 */
export type Populate<M> = (folder: string) => Promise<Partial<M> | void>;

export interface Stored<M> {
  manifest: M;
  weightsPath: string;
  folder: string;
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** sha256 of every file of a folder but its weights, by path with slashes. */
async function hashesOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashes: [string, string][] = [];
  for (const path of paths.sort()) {
    const name = relative(folder, path).split(sep).join('/');
    if (name !== WEIGHTS_FILE) hashes.push([name, await sha256OfFile(path)]);
  }
  return Object.fromEntries(hashes);
}

export class VersionedFolder<M extends Manifest> {
  constructor(
    private readonly root: string,
    /** The field and the noun of error messages, and the manifest's file name. */
    private readonly kind: 'model' | 'base' | 'backbone',
    private readonly schema: z.ZodType<M>,
  ) {}

  /** Creates the folder and deletes what interrupted writers left. */
  async prepare(): Promise<void> {
    await makeFolder(this.root);
    await sweepTemporaries(this.root);
    for (const name of await this.names()) await sweepTemporaries(this.folderOf(name));
  }

  folderOf(name: string): string {
    const parsed = nameSchema.safeParse(name);
    if (!parsed.success) {
      const reason = parsed.error.issues[0]?.message ?? 'is malformed';
      throw automedError('INVALID_ARGUMENT', `The ${this.kind} name ${JSON.stringify(excerpt(name))} ${reason}.`, {
        field: this.kind,
      });
    }
    return join(this.root, name);
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

  async read(name: string, version: number): Promise<Stored<M>> {
    const folder = join(this.folderOf(name), String(version));
    const text = await readFile(join(folder, `${this.kind}.json`), 'utf8').catch(async (cause: unknown) => {
      // Deleted by another process since it was looked up.
      if (!(await this.versions(name)).includes(version)) throw this.noVersion(name, String(version));
      throw this.corrupt(name, version, `its ${this.kind}.json cannot be read`, cause);
    });
    let manifest: M;
    try {
      const json: unknown = JSON.parse(text);
      this.refuseNewer(name, version, json);
      manifest = this.schema.parse(json);
    } catch (cause) {
      if (cause instanceof AutomedError) throw cause;
      throw this.corrupt(name, version, `its ${this.kind}.json is malformed`, cause);
    }
    if (manifest.name !== name || manifest.version !== version) {
      throw this.corrupt(name, version, `its ${this.kind}.json names ${manifest.name}@${manifest.version}`);
    }
    return { manifest, folder, weightsPath: join(folder, manifest.weights.file) };
  }

  /** @param selector digits, or empty for the highest version */
  async resolve(name: string, selector: string): Promise<Stored<M>> {
    const versions = await this.versions(name);
    const highest = versions.at(-1);
    if (highest === undefined) throw await this.unknown(name);
    const version = selector === '' ? highest : Number(selector);
    if (!versions.includes(version)) throw this.noVersion(name, selector, versions);
    return this.read(name, version);
  }

  /** Every readable version, by name and version; the others go to `onProblem`. */
  async list(onProblem: (error: unknown) => void): Promise<Stored<M>[]> {
    const found: Stored<M>[] = [];
    for (const name of await this.names()) {
      for (const version of await this.versions(name)) {
        try {
          found.push(await this.read(name, version));
        } catch (error) {
          onProblem(error);
        }
      }
    }
    return found;
  }

  /** Writes the next version: nothing of it is visible before all of it is on the disk. */
  async register(
    name: string,
    describe: (facts: Facts, late: Partial<M>) => M,
    populate: Populate<M>,
  ): Promise<Stored<M>> {
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

  async unknown(name: string): Promise<Error> {
    const known: string[] = [];
    for (const each of await this.names()) if ((await this.versions(each)).length > 0) known.push(each);
    const hint = known.length ? `known are ${shortList(known)}` : 'the store has none yet';
    return automedError('NOT_FOUND', `There is no ${this.kind} "${excerpt(name)}"; ${hint}.`, { field: this.kind });
  }

  private noVersion(name: string, selector: string, versions: readonly number[] = []): Error {
    const rest = versions.length > 0 ? `; it has ${shortList(versions)}` : '';
    const text = `The ${this.kind} ${name} has no version ${excerpt(selector)}${rest}.`;
    return automedError('NOT_FOUND', text, { field: this.kind });
  }

  private refuseNewer(name: string, version: number, json: unknown): void {
    const { schema } = (json ?? {}) as { schema?: unknown };
    if (typeof schema !== 'number' || schema <= MANIFEST_SCHEMA) return;
    const text = `The ${this.kind} ${name}@${version} was written by a newer program (schema ${schema}); this one reads up to ${MANIFEST_SCHEMA}.`;
    throw automedError('ILLEGAL_STATE', text, { field: this.kind });
  }

  private async publish(name: string, temporary: string, describe: (facts: Facts) => M): Promise<number> {
    const weightsPath = join(temporary, WEIGHTS_FILE);
    const bytes = (await stat(weightsPath)).size;
    const weights = { file: WEIGHTS_FILE, sha256: await sha256OfFile(weightsPath), bytes };
    const files = await hashesOf(temporary);
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

  private corrupt(name: string, version: number, what: string, cause?: unknown): Error {
    return automedError('CHECKPOINT_CORRUPT', `The ${this.kind} ${name}@${version} is damaged: ${what}.`, {
      field: this.kind,
      cause,
    });
  }
}
