// One kind of artefact (bases or models) as versions NAME/VERSION with a manifest and weights in each, wherever they are kept.

import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { z } from 'zod';
import { excerpt, shortList } from '../common/bounded-text';
import { AutomedError, automedError } from '../common/errors';
import { MANIFEST_SCHEMA, nameSchema } from './manifests';
import { isOfObjectStore } from './objects/s3-errors';

export const WEIGHTS_FILE = 'weights.safetensors';

export interface Manifest {
  name: string;
  version: number;
  weights: { file: string; sha256: string; bytes: number };
  files?: Record<string, string> | undefined;
}

export type Facts = Pick<Manifest, 'version' | 'weights'> & { files: Record<string, string> };

/** Makes the manifest of a version from what is known only when it is written. */
export type Describe<M> = (facts: Facts, late: Partial<M>) => M;

/**
 * Writes weights.safetensors, and what else belongs to the version, into the folder it is given. May return fields of the
 * manifest that are known only then.
 */
export type Populate<M> = (folder: string) => Promise<Partial<M> | void>;

export interface Stored<M> {
  manifest: M;
  /** A file of this machine; of a version in an object store it is there once verify() has brought it. */
  weightsPath: string;
  /** Where the version is kept: a folder, or `s3://BUCKET/PREFIX/models/NAME/VERSION`. */
  folder: string;
  /**
   * Path on this machine of one of the version's other files, e.g. `samples.json`; absent where that is in `folder`.
   * @throws NotFoundError when the version has no such file; SERVICE_UNAVAILABLE while the object store does not answer
   */
  fetch?: (file: string) => Promise<string>;
}

/** Where one of the files of a version, other than its weights, lies on this machine. */
export async function localFile(
  { folder, fetch }: Pick<Stored<unknown>, 'folder' | 'fetch'>,
  file: string,
): Promise<string> {
  return fetch ? fetch(file) : join(folder, file);
}

/** Where the report of a version is kept, for people. */
export const reportOf = ({ folder, fetch }: Pick<Stored<unknown>, 'folder' | 'fetch'>): string =>
  fetch ? `${folder}/report` : join(folder, 'report');

/** One part of a file is read while the one before is hashed; into the same memory again, which the system need not clear. */
const PART_BYTES = 1 << 20;

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    let [part, other] = [Buffer.allocUnsafe(PART_BYTES), Buffer.allocUnsafe(PART_BYTES)];
    let { bytesRead } = await file.read(part, 0, PART_BYTES);
    while (bytesRead > 0) {
      const next = file.read(other, 0, PART_BYTES);
      hash.update(part.subarray(0, bytesRead));
      ({ bytesRead } = await next);
      [part, other] = [other, part];
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** What is known of a version from its files, before it has a number. */
export async function factsOf(folder: string): Promise<Omit<Facts, 'version'>> {
  const path = join(folder, WEIGHTS_FILE);
  const weights = { file: WEIGHTS_FILE, sha256: await sha256OfFile(path), bytes: (await stat(path)).size };
  return { weights, files: await hashesOf(folder) };
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

/** Whether an error says of the object store that it does not answer or refuses, and nothing of what it holds. */
export const isAway = (error: unknown): boolean =>
  error instanceof AutomedError &&
  (error.code === 'SERVICE_UNAVAILABLE' || (error.code === 'ILLEGAL_STATE' && isOfObjectStore(error.cause)));

const UNREAD = new Set<string>(['SERVICE_UNAVAILABLE', 'ILLEGAL_STATE', 'STORAGE_FULL']);

/** Whether an error says that a file could not be brought here (store away or refusing, no room), and nothing of its content. */
export const isUnread = (error: unknown): boolean => error instanceof AutomedError && UNREAD.has(error.code);

/** What a folder and an object store have in common: names, versions, and manifests that are checked when they are read. */
export abstract class Versions<M extends Manifest> {
  protected constructor(
    /** The field and the noun of error messages, and the manifest's file name. */
    protected readonly kind: 'model' | 'base' | 'backbone',
    protected readonly schema: z.ZodType<M>,
  ) {}

  /** Creates what is missing and deletes what interrupted writers left. */
  abstract prepare(): Promise<void>;

  /** Ascending. */
  abstract names(): Promise<string[]>;

  /** Ascending. */
  abstract versions(name: string): Promise<number[]>;

  /** Versions of every name that has some, both ascending. */
  protected async all(): Promise<Map<string, number[]>> {
    const found = new Map<string, number[]>();
    for (const name of await this.names()) {
      const versions = await this.versions(name);
      if (versions.length > 0) found.set(name, versions);
    }
    return found;
  }

  /** Writes the next version: nothing of it is visible before all of it is kept. */
  abstract register(name: string, describe: Describe<M>, populate: Populate<M>): Promise<Stored<M>>;

  abstract remove(name: string, version: number): Promise<void>;

  /** Deletes every version; the number of the next one goes on from theirs. */
  abstract removeAll(name: string): Promise<void>;

  /** Text of a manifest; throws when it cannot be read. */
  protected abstract manifestText(name: string, version: number): Promise<string>;

  protected abstract stored(manifest: M): Stored<M>;

  checkName(name: string): string {
    const parsed = nameSchema.safeParse(name);
    if (parsed.success) return name;
    const reason = parsed.error.issues[0]?.message ?? 'is malformed';
    throw automedError('INVALID_ARGUMENT', `The ${this.kind} name ${JSON.stringify(excerpt(name))} ${reason}.`, {
      field: this.kind,
    });
  }

  async read(name: string, version: number): Promise<Stored<M>> {
    const text = await this.manifestText(name, version).catch(async (cause: unknown) => {
      if (isUnread(cause)) throw cause;
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
    return this.stored(manifest);
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
    for (const [name, versions] of await this.all()) {
      for (const version of versions) {
        try {
          found.push(await this.read(name, version));
        } catch (error) {
          if (isAway(error)) throw error; // a list without what could not be asked for would be a wrong one
          onProblem(error);
        }
      }
    }
    return found;
  }

  async unknown(name: string): Promise<Error> {
    const known = [...(await this.all()).keys()];
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

  private corrupt(name: string, version: number, what: string, cause?: unknown): Error {
    return automedError('CHECKPOINT_CORRUPT', `The ${this.kind} ${name}@${version} is damaged: ${what}.`, {
      field: this.kind,
      cause,
    });
  }
}
