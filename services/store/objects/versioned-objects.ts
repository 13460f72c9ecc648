// Versions as objects KINDs/NAME/VERSION/..., named as the files of a folder are: copying one to the other moves a store.

import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { automedError } from '../../common/errors';
import { makeFolder } from '../../common/make-folder';
import { storageError, sweepTemporaries, temporaryName } from '../durable';
import { nameSchema } from '../manifests';
import { LAST_DELETED } from '../versioned-folder';
import {
  factsOf,
  Versions,
  WEIGHTS_FILE,
  type Describe,
  type Facts,
  type Manifest,
  type Populate,
  type Stored,
} from '../versions';
import type { Source } from './blob-cache';
import type { RemoteStore } from './remote-store';
import { objectStoreError } from './s3-errors';

/** Manifests kept in memory; an object with the same ETag is not read again. */
const MOST_MANIFESTS = 10_000;

/** A mark that a number was given, or any object of a version. */
const GIVEN = /^(?:\.given-)?([1-9]\d{0,8})(?:\/|$)/;

export class VersionedObjects<M extends Manifest> extends Versions<M> {
  private readonly etags = new Map<string, string>();
  private readonly texts = new LRUCache<string, { etag: string; text: string }>({ max: MOST_MANIFESTS });

  constructor(
    private readonly remote: RemoteStore,
    kind: 'model' | 'base' | 'backbone',
    schema: z.ZodType<M>,
  ) {
    super(kind, schema);
  }

  /** Asks nothing of the object store: a server starts without it, and says so when somebody needs it. */
  async prepare(): Promise<void> {
    await makeFolder(this.remote.outgoing);
    await sweepTemporaries(this.remote.outgoing);
  }

  async names(): Promise<string[]> {
    return [...(await this.all()).keys()];
  }

  async versions(name: string): Promise<number[]> {
    return (await this.listed(this.checkName(name))).get(name) ?? [];
  }

  /** A version that is named costs one request; only the highest one needs a list, a request for every thousand objects. */
  override async resolve(name: string, selector: string): Promise<Stored<M>> {
    if (selector !== '') {
      const key = this.manifestKey(name, Number(selector));
      const found = await this.remote.objects.read(key);
      if (found) {
        this.remember(key, found);
        return this.read(name, Number(selector));
      }
    }
    return super.resolve(name, selector);
  }

  /** A version shows when its manifest does, which is written last. */
  async register(name: string, describe: Describe<M>, populate: Populate<M>): Promise<Stored<M>> {
    this.checkName(name);
    const folder = join(this.remote.outgoing, temporaryName());
    try {
      await makeFolder(folder);
      const late = (await populate(folder)) ?? {};
      const manifest = await this.publish(name, folder, (facts) => describe(facts, late));
      await this.remote.cache.adopt(join(folder, WEIGHTS_FILE), manifest.weights);
      return this.stored(manifest);
    } catch (error) {
      throw storageError(error);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async remove(name: string, version: number): Promise<void> {
    await this.keepNumber(name, version);
    const prefix = `${this.prefixOf(name)}${version}/`;
    // What shows the version goes first: nobody finds one without its weights.
    await this.remote.objects.remove(this.manifestKey(name, version));
    for (const { key } of await this.remote.objects.list(prefix)) await this.remote.objects.remove(key);
  }

  async removeAll(name: string): Promise<void> {
    // The highest last: whoever is interrupted leaves `name` meaning what it meant.
    for (const version of await this.versions(name)) await this.remove(name, version);
  }

  /** One list for all names together. */
  protected override async all(): Promise<Map<string, number[]>> {
    const found = [...(await this.listed(''))].filter(([name]) => nameSchema.safeParse(name).success);
    return new Map(found.sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  protected async manifestText(name: string, version: number): Promise<string> {
    const key = this.manifestKey(name, version);
    const known = this.texts.get(key);
    if (known !== undefined && known.etag === this.etags.get(key)) return known.text;
    const found = await this.remote.objects.read(key);
    if (!found) throw new Error(`there is no ${key}`);
    this.remember(key, found);
    return found.text;
  }

  protected stored(manifest: M): Stored<M> {
    const { objects, cache } = this.remote;
    return {
      manifest,
      folder: `${objects.place}/${this.prefixOf(manifest.name)}${manifest.version}`,
      weightsPath: cache.path(manifest.weights.sha256),
      fetch: (file) => this.fetch(manifest, file),
    };
  }

  private remember(key: string, found: { text: string; etag: string }): void {
    this.etags.set(key, found.etag);
    this.texts.set(key, found);
  }

  private manifestKey(name: string, version: number): string {
    return `${this.prefixOf(name)}${version}/${this.kind}.json`;
  }

  private prefixOf(name: string): string {
    return `${this.kind}s/${name === '' ? '' : `${this.checkName(name)}/`}`;
  }

  /** Versions by name, ascending; of one name, or of all when it is empty. */
  private async listed(name: string): Promise<Map<string, number[]>> {
    const start = `${this.kind}s/`;
    const found = new Map<string, number[]>();
    for (const { key, etag } of await this.remote.objects.list(this.prefixOf(name))) {
      const [, of = '', version = ''] = /^([^/]+)\/([1-9]\d{0,8})\/([^/]+)$/.exec(key.slice(start.length)) ?? [];
      if (version === '' || !key.endsWith(`/${this.kind}.json`)) continue;
      this.etags.set(key, etag);
      found.set(of, [...(found.get(of) ?? []), Number(version)]);
    }
    for (const versions of found.values()) versions.sort((left, right) => left - right);
    return found;
  }

  private async fetch({ name, version, weights, files = {} }: M, file: string): Promise<string> {
    const { objects, cache } = this.remote;
    const subject = `${name}@${version}`;
    const sha256 = file === weights.file ? weights.sha256 : files[file];
    if (sha256 === undefined) throw automedError('NOT_FOUND', `${subject} has no ${file}.`);
    const what = file === weights.file ? 'The weights' : `The ${file}`;
    const source: Source = async () => {
      const found = await objects.open(`${this.prefixOf(name)}${version}/${file}`);
      if (found) return found;
      throw automedError('CHECKPOINT_CORRUPT', `${what} of ${subject} cannot be read: there is no such object.`);
    };
    const path = await cache.get(sha256, source).catch((error: unknown) => {
      // The connection may break in the middle of an answer.
      throw objectStoreError(error, objects.place);
    });
    if (path !== undefined) return path;
    throw automedError('CHECKPOINT_CORRUPT', `${what} of ${subject} have changed since they were registered.`);
  }

  private async publish(name: string, folder: string, describe: (facts: Facts) => M): Promise<M> {
    const { objects } = this.remote;
    const { weights, files } = await factsOf(folder);
    const version = await this.claimNumber(name);
    const manifest = this.schema.parse(describe({ version, weights, files }));
    const prefix = `${this.prefixOf(name)}${version}/`;
    for (const [file, sha256] of Object.entries({ ...files, [WEIGHTS_FILE]: weights.sha256 })) {
      const bytes = (await stat(join(folder, file))).size;
      await objects.upload(`${prefix}${file}`, join(folder, file), { sha256, bytes });
    }
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    const key = this.manifestKey(name, version);
    // Refused: another writer has the number, or the answer to a first try was lost.
    if (!(await objects.write(key, text, 'absent')) && (await objects.read(key))?.text !== text) {
      throw automedError('ILLEGAL_STATE', `${name}@${version} was registered by somebody else at the same moment.`);
    }
    return manifest;
  }

  /** Takes a number that no version of this name has had, for good: whoever dies now leaves a gap. */
  private async claimNumber(name: string): Promise<number> {
    for (;;) {
      const version = (await this.highestGiven(name)) + 1;
      if (await this.remote.objects.write(`${this.prefixOf(name)}.given-${version}`, '', 'absent')) return version;
    }
  }

  /** Keeps a number from being given again, also one of a store that was copied here without its marks. */
  private async keepNumber(name: string, version: number): Promise<void> {
    await this.remote.objects.write(`${this.prefixOf(name)}.given-${version}`, '');
  }

  /** Of marks, and of versions, whole or not. */
  private async highestGiven(name: string): Promise<number> {
    const prefix = this.prefixOf(name);
    const entries = (await this.remote.objects.list(prefix)).map(({ key }) => key.slice(prefix.length));
    const given = entries.map((entry) => Number(GIVEN.exec(entry)?.[1] ?? 0));
    const deleted = entries.includes(LAST_DELETED)
      ? await this.remote.objects.read(`${prefix}${LAST_DELETED}`)
      : undefined;
    return Math.max(0, ...given, Number(deleted?.text ?? 0) || 0);
  }
}
