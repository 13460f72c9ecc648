// The folder of bases and models that training writes and the servers read. Several processes may use it at once.

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { excerpt, shortList } from '../common/bounded-text';
import { automedError } from '../common/errors';
import { errnoOf } from './durable';
import {
  aliasSchema,
  backboneManifestSchema,
  baseManifestSchema,
  modelManifestSchema,
  type BackboneDraft,
  type BackboneManifest,
  type BaseDraft,
  type BaseManifest,
  type ModelDraft,
  type ModelManifest,
} from './manifests';
import { AliasFolder, type Aliases } from './aliases';
import { AbandonedObjects } from './objects/abandoned';
import { AliasObjects } from './objects/alias-objects';
import { openRemote, type ObjectSettings, type RemoteStore } from './objects/remote-store';
import { VersionedObjects } from './objects/versioned-objects';
import { VerifiedFiles } from './verified-files';
import { VersionedFolder } from './versioned-folder';
import type { Manifest, Populate, Stored, Versions } from './versions';

export type StoredModel = Stored<ModelManifest>;
export type StoredBase = Stored<BaseManifest>;
export type StoredBackbone = Stored<BackboneManifest>;

export interface StoreOptions {
  /** Hears of versions that list*() leaves out because they cannot be read. */
  onProblem?: (error: unknown) => void;
  /** Where bases and models are, if not in the folder. */
  objects?: ObjectSettings | undefined;
}

function splitReference(reference: string): [name: string, selector: string] {
  const [name = '', selector = '', ...rest] = reference.split('@');
  const wellFormed = rest.length === 0 && (selector !== '' || !reference.includes('@'));
  if (!wellFormed) {
    throw automedError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(excerpt(reference))} is no reference: write NAME, NAME@VERSION or NAME@ALIAS.`,
      { field: 'model' },
    );
  }
  return [name, selector];
}

/**
 * Looks for a store, and makes nothing.
 * @throws NotFoundError on field `home`, with what was looked for
 */
export async function requireStore(root: string): Promise<void> {
  const isFolder = async (path: string): Promise<boolean> =>
    stat(path).then(
      (found) => found.isDirectory(),
      (error: unknown) => {
        if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
        throw error;
      },
    );
  if (await isFolder(join(root, 'models'))) return;
  const why = (await isFolder(root)) ? 'it holds no folder "models"' : 'there is no such folder';
  throw automedError('NOT_FOUND', `There is no store in ${root}: ${why}.`, { field: 'home' });
}

/** One kind of artefact, where a store keeps it. */
function versionsIn<M extends Manifest>(
  root: string,
  remote: RemoteStore | undefined,
  kind: 'model' | 'base' | 'backbone',
  schema: z.ZodType<M>,
): Versions<M> {
  return remote
    ? new VersionedObjects(remote, kind, schema)
    : new VersionedFolder(join(root, `${kind}s`), kind, schema);
}

const isVersion = (selector: string): boolean => selector === '' || /^\d+$/.test(selector);

export class ModelStore {
  private readonly models: Versions<ModelManifest>;
  private readonly bases: Versions<BaseManifest>;
  private readonly backbones: Versions<BackboneManifest>;
  private readonly aliasesOf: Aliases;
  private readonly verified = new VerifiedFiles();
  /** Of an object store; folders are swept when they are opened. */
  readonly abandoned: AbandonedObjects | undefined;

  private constructor(
    /** The folder of what belongs to this machine or service: jobs, databases, and without an object store everything. */
    readonly root: string,
    private readonly onProblem: (error: unknown) => void,
    remote: RemoteStore | undefined,
  ) {
    this.models = versionsIn(root, remote, 'model', modelManifestSchema);
    this.bases = versionsIn(root, remote, 'base', baseManifestSchema);
    this.backbones = versionsIn(root, remote, 'backbone', backboneManifestSchema);
    this.abandoned = remote && new AbandonedObjects(remote.objects);
    this.aliasesOf = remote ? new AliasObjects(remote.objects) : new AliasFolder(root);
  }

  /** Creates the folders when they are missing. An object store need not answer yet. */
  static async open(root: string, { onProblem, objects }: StoreOptions = {}): Promise<ModelStore> {
    const folder = resolve(root);
    const remote = objects && (await openRemote(folder, objects));
    const store = new ModelStore(folder, onProblem ?? (() => undefined), remote);
    await store.models.prepare();
    await store.bases.prepare();
    await store.backbones.prepare();
    return store;
  }

  /**
   * Opens a store that is there already: a mistyped folder is no empty store.
   * @throws NotFoundError on field `home`, with what was looked for
   */
  static async existing(root: string, options: StoreOptions = {}): Promise<ModelStore> {
    if (!options.objects) await requireStore(root);
    return ModelStore.open(root, options);
  }

  /** Sorted; in folders also those that have aliases and no version. */
  async modelNames(): Promise<string[]> {
    return this.models.names();
  }

  /** By name, then version. */
  async listModels(): Promise<StoredModel[]> {
    return this.models.list(this.onProblem);
  }

  async listBases(): Promise<StoredBase[]> {
    return this.bases.list(this.onProblem);
  }

  async listBackbones(): Promise<StoredBackbone[]> {
    return this.backbones.list(this.onProblem);
  }

  /**
   * What a training job has registered: its model, its base, both when it trained the encoder too, or neither. Who starts
   * a job again after a crash looks here first, so that it is never registered twice.
   */
  async findByJob(jobId: string): Promise<{ model?: StoredModel; base?: StoredBase }> {
    const made = ({ manifest }: StoredModel | StoredBase): boolean => manifest.training?.job === jobId;
    const [model, base] = [(await this.listModels()).findLast(made), (await this.listBases()).findLast(made)];
    return { ...(model ? { model } : {}), ...(base ? { base } : {}) };
  }

  /** @param reference `name` for the highest version, `name@3`, or `name@alias` */
  async resolveModel(reference: string): Promise<StoredModel> {
    const [name, selector] = splitReference(reference);
    if (isVersion(selector)) return this.models.resolve(name, selector);
    const version = (await this.aliases(name))[this.checkAlias(selector)];
    if (version !== undefined) return this.models.resolve(name, String(version));
    if ((await this.models.versions(name)).length === 0) throw await this.models.unknown(name);
    throw automedError('NOT_FOUND', `The model ${name} has no alias "${excerpt(selector)}".`, { field: 'model' });
  }

  /** @param reference `name` for the highest version, or `name@3` */
  async resolveBase(reference: string): Promise<StoredBase> {
    const [name, selector] = splitReference(reference);
    if (isVersion(selector)) return this.bases.resolve(name, selector);
    throw automedError(
      'INVALID_ARGUMENT',
      `Bases have versions and no aliases: ${JSON.stringify(excerpt(reference))}.`,
      {
        field: 'base',
      },
    );
  }

  /** @param reference `name` for the highest version, or `name@3` */
  async resolveBackbone(reference: string): Promise<StoredBackbone> {
    const [name, selector] = splitReference(reference);
    if (isVersion(selector)) return this.backbones.resolve(name, selector);
    throw automedError(
      'INVALID_ARGUMENT',
      `Backbones have versions and no aliases: ${JSON.stringify(excerpt(reference))}.`,
      {
        field: 'backbone',
      },
    );
  }

  /**
   * Compares the weights with the manifest's sha256; from an object store they are brought first. A file that has not changed
   * since (size, time, inode) is not read again by this process.
   * @throws CheckpointError (CHECKPOINT_CORRUPT); SERVICE_UNAVAILABLE while the object store does not answer
   */
  async verify(stored: StoredModel | StoredBase | StoredBackbone): Promise<void> {
    const { manifest, weightsPath } = stored;
    const damaged = (what: string, cause?: unknown): Error =>
      automedError('CHECKPOINT_CORRUPT', `The weights of ${manifest.name}@${manifest.version} ${what}.`, { cause });
    if (stored.fetch) {
      await stored.fetch(manifest.weights.file);
      return;
    }
    const asRegistered = await this.verified.check(weightsPath, manifest.weights).catch((cause: unknown) => {
      throw damaged('cannot be read', cause);
    });
    if (!asRegistered) throw damaged('have changed since they were registered');
  }

  /** Adds the next version of a model. */
  async registerModel(draft: ModelDraft, populate: Populate<ModelManifest>): Promise<StoredModel> {
    return this.models.register(
      draft.name,
      // The union of drafts plus the recorded fields is the union of manifests; the schema checks it at run time.
      (facts, late) => ({ schema: 1, ...draft, ...late, ...facts, created: new Date().toISOString() }) as ModelManifest,
      populate,
    );
  }

  async registerBase(draft: BaseDraft, populate: Populate<BaseManifest>): Promise<StoredBase> {
    return this.bases.register(
      draft.name,
      (facts, late) => ({ schema: 1, ...draft, ...late, ...facts, created: new Date().toISOString() }),
      populate,
    );
  }

  async registerBackbone(draft: BackboneDraft, populate: Populate<BackboneManifest>): Promise<StoredBackbone> {
    return this.backbones.register(
      draft.name,
      (facts, late) => ({ schema: 1, ...draft, ...late, ...facts, created: new Date().toISOString() }),
      populate,
    );
  }

  async aliases(name: string): Promise<Record<string, number>> {
    return this.aliasesOf.read(this.models.checkName(name));
  }

  /** Points an alias at an existing version, in one step: readers see the old version or the new one. */
  async setAlias(name: string, alias: string, version: number): Promise<void> {
    this.checkAlias(alias);
    await this.models.resolve(name, String(version));
    await this.aliasesOf.point(name, alias, version);
  }

  /** Leaves an alias to promotions, for good: also when it is removed, and when it does not exist yet. */
  async reserveAlias(name: string, alias: string): Promise<void> {
    if (!(await this.isReserved(name, alias))) await this.aliasesOf.reserve(name, alias);
  }

  /** Whether only promotions move an alias. */
  async isReserved(name: string, alias: string): Promise<boolean> {
    return this.aliasesOf.isReserved(this.models.checkName(name), this.checkAlias(alias));
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    if (await this.aliasesOf.remove(this.models.checkName(name), this.checkAlias(alias))) return;
    throw automedError('NOT_FOUND', `The model ${name} has no alias "${excerpt(alias)}".`, { field: 'alias' });
  }

  /**
   * Deletes one version, or the model with all of its versions. Numbers are not given again, and what only promotions move
   * stays theirs, also for versions that are registered later.
   * @param options.force also deletes versions that an alias points to, and those aliases
   */
  async deleteModel(name: string, version?: number, options: { force?: boolean } = {}): Promise<void> {
    if (version === undefined) await this.models.resolve(name, '');
    else await this.models.resolve(name, String(version));
    const aliases = await this.aliases(name);
    const bound = Object.keys(aliases).filter((alias) => version === undefined || aliases[alias] === version);
    if (bound.length > 0 && !options.force) {
      throw automedError(
        'ILLEGAL_STATE',
        `${shortList(bound.map((alias) => `${name}@${alias}`))} would point to nothing: move or delete the alias first, or force it.`,
        { field: 'model' },
      );
    }
    for (const alias of bound) await this.deleteAlias(name, alias);
    if (version === undefined) await this.models.removeAll(name);
    else await this.models.remove(name, version);
  }

  /** Deletes one version of a base; models that stand on it can then not be loaded. */
  async deleteBase(name: string, version: number): Promise<void> {
    await this.bases.resolve(name, String(version));
    await this.bases.remove(name, version);
  }

  private checkAlias(alias: string): string {
    const parsed = aliasSchema.safeParse(alias);
    if (parsed.success) return alias;
    throw automedError(
      'INVALID_ARGUMENT',
      `The alias ${JSON.stringify(alias)} ${parsed.error.issues[0]?.message ?? 'is malformed'}.`,
      { field: 'alias' },
    );
  }
}
