// The folder of bases and models that training writes and the servers read. Several processes may use it at once.

import { readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolder } from '../common/make-folder';
import { excerpt, shortList } from '../common/bounded-text';
import { automedError } from '../common/errors';
import { entriesOf, errnoOf, replaceFile, syncEntries } from './durable';
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
import { sha256OfFile, VersionedFolder, type Populate, type Stored } from './versions';

export type StoredModel = Stored<ModelManifest>;
export type StoredBase = Stored<BaseManifest>;
export type StoredBackbone = Stored<BackboneManifest>;

export interface StoreOptions {
  /** Hears of versions that list*() leaves out because they cannot be read. */
  onProblem?: (error: unknown) => void;
}

const ALIASES = 'aliases';
/** Beside an alias, or in its place: only promotions move it. Begins with a dot, which no alias does. */
const reservationFile = (alias: string): string => `.${alias}.promoted`;

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

const isVersion = (selector: string): boolean => selector === '' || /^\d+$/.test(selector);

export class ModelStore {
  private readonly models: VersionedFolder<ModelManifest>;
  private readonly bases: VersionedFolder<BaseManifest>;
  private readonly backbones: VersionedFolder<BackboneManifest>;
  private readonly verified = new Map<string, string>();

  private constructor(
    readonly root: string,
    private readonly onProblem: (error: unknown) => void,
  ) {
    this.models = new VersionedFolder(join(root, 'models'), 'model', modelManifestSchema);
    this.bases = new VersionedFolder(join(root, 'bases'), 'base', baseManifestSchema);
    this.backbones = new VersionedFolder(join(root, 'backbones'), 'backbone', backboneManifestSchema);
  }

  /** Creates the folders when they are missing. */
  static async open(root: string, options: StoreOptions = {}): Promise<ModelStore> {
    const store = new ModelStore(resolve(root), options.onProblem ?? (() => undefined));
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
    await requireStore(root);
    return ModelStore.open(root, options);
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
   * Compares the weights with the manifest's sha256. A file that has not changed since (size, time, inode) is not read
   * again by this process.
   * @throws CheckpointError (CHECKPOINT_CORRUPT)
   */
  async verify(stored: StoredModel | StoredBase | StoredBackbone): Promise<void> {
    const { manifest, weightsPath } = stored;
    const damaged = (what: string, cause?: unknown): Error =>
      automedError('CHECKPOINT_CORRUPT', `The weights of ${manifest.name}@${manifest.version} ${what}.`, { cause });
    const facts = await stat(weightsPath, { bigint: true }).catch((cause: unknown) => {
      throw damaged('cannot be read', cause);
    });
    if (facts.size !== BigInt(manifest.weights.bytes)) throw damaged('have changed since they were registered');
    const state = [facts.size, facts.mtimeNs, facts.ctimeNs, facts.ino, manifest.weights.sha256].join(':');
    if (this.verified.get(weightsPath) === state) return;
    const sha256 = await sha256OfFile(weightsPath).catch((cause: unknown) => {
      throw damaged('cannot be read', cause);
    });
    if (sha256 !== manifest.weights.sha256) throw damaged('have changed since they were registered');
    this.verified.set(weightsPath, state);
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
    const folder = join(this.models.folderOf(name), ALIASES);
    const found: Record<string, number> = {};
    const files = await entriesOf(folder);
    for (const alias of files.filter((file) => aliasSchema.safeParse(file).success).sort()) {
      const text = await readFile(join(folder, alias), 'utf8').catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return ''; // deleted since it was listed
        throw error;
      });
      const version = Number(text);
      if (Number.isInteger(version) && version > 0) found[alias] = version;
    }
    return found;
  }

  /** Points an alias at an existing version, in one step: readers see the old version or the new one. */
  async setAlias(name: string, alias: string, version: number): Promise<void> {
    this.checkAlias(alias);
    await this.models.resolve(name, String(version));
    await this.writeAliasFile(name, alias, `${version}\n`);
  }

  /** Leaves an alias to promotions, for good: also when it is removed, and when it does not exist yet. */
  async reserveAlias(name: string, alias: string): Promise<void> {
    this.checkAlias(alias);
    if (!(await this.isReserved(name, alias))) await this.writeAliasFile(name, reservationFile(alias), '');
  }

  /** Whether only promotions move an alias. */
  async isReserved(name: string, alias: string): Promise<boolean> {
    const path = join(this.models.folderOf(name), ALIASES, reservationFile(this.checkAlias(alias)));
    return stat(path).then(
      () => true,
      (error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return false;
        throw error;
      },
    );
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    const folder = join(this.models.folderOf(name), ALIASES);
    await rm(join(folder, this.checkAlias(alias))).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw automedError('NOT_FOUND', `The model ${name} has no alias "${excerpt(alias)}".`, { field: 'alias' });
    });
    await syncEntries(folder, folder);
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

  private async writeAliasFile(name: string, file: string, content: string): Promise<void> {
    const folder = join(this.models.folderOf(name), ALIASES);
    await makeFolder(folder);
    await replaceFile(join(folder, file), content);
    await syncEntries(folder, this.root);
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
