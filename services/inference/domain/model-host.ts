import { automedError } from '../../common/errors';
import type { BaseIdentity, Lease, ModelIdentity } from '../../common/inference';
import type { ModelManifest, StoredBase, StoredModel, Task } from '../../store';
import { resolveBaseOrModel } from './base-reference';
import { WeightsBudget } from './weights-budget';

/** The store, as far as loading needs it. */
export interface Catalog {
  resolveModel(reference: string): Promise<StoredModel>;
  resolveBase(reference: string): Promise<StoredBase>;
  /** @throws CheckpointError (CHECKPOINT_CORRUPT) when the weights are not the registered ones */
  verify(stored: StoredModel | StoredBase): Promise<void>;
}

/** Brings weights into memory. */
export interface Loader<Base, Head> {
  loadBase(weightsPath: string, architecture: string): Promise<Base>;
  loadHead(base: Base, weightsPath: string, architecture: string): Promise<Head>;
}

export interface HostOptions {
  /** Tasks of the roles that this program has. */
  tasks: readonly Task[];
  /** Whether a request may load a model that is not loaded. */
  loadOnDemand: boolean;
  /** How long the meaning of a reference is remembered, milliseconds; versions and aliases made elsewhere show after it. */
  resolveTtlMs: number;
  /** What weights may take in memory, bytes; Infinity for no bound. */
  weightsBudgetBytes: number;
  onLoaded(name: string, version: number): void;
  onUnloaded(name: string, version: number): void;
}

/** A model in memory. */
export interface HostedModel<Head, Base = unknown> {
  readonly head: Head;
  readonly base: Base;
  readonly manifest: ModelManifest;
  readonly identity: ModelIdentity;
}

/** A base in memory. */
export interface HostedBase<Base> {
  readonly base: Base;
  readonly identity: BaseIdentity;
}

interface Disposable {
  dispose(): void;
}

interface BaseEntry<Base> {
  loading: Promise<HostedBase<Base>>;
  /** What it counts in the budget, bytes. */
  reserved: number;
  /** Models on it. */
  heads: number;
  /** Requests that use it without a model. */
  uses: number;
  /** Loaded for such requests, and so not freed with its last model. */
  kept: boolean;
  lastUse: number;
}

interface ModelEntry<Head, Base> {
  loading: Promise<HostedModel<Head, Base>>;
  ready: boolean;
  uses: number;
  retired: boolean;
  lastUse: number;
  release: () => void;
}

/**
 * The models of this process. Each is loaded once however many requests ask at once, each base is shared by its heads and
 * freed with the last of them, and a model that is unloaded stays until the requests that use it are answered. Where the
 * budget leaves no room, what was not used for the longest time goes first.
 */
export class ModelHost<Base extends Disposable & { readonly precision: string }, Head extends Disposable> {
  private readonly models = new Map<string, ModelEntry<Head, Base>>();
  private readonly bases = new Map<string, BaseEntry<Base>>();
  private readonly resolved = new Resolved<StoredModel>();
  private readonly resolvedBases = new Resolved<StoredBase>();
  private readonly budget: WeightsBudget;
  private uses = 0;

  constructor(
    private readonly catalog: Catalog,
    private readonly loader: Loader<Base, Head>,
    private readonly options: HostOptions,
    private readonly now: () => number = Date.now,
  ) {
    this.budget = new WeightsBudget(options.weightsBudgetBytes, () => this.evictIdle());
  }

  /** The model behind a reference, loaded and held until it is released. */
  async acquire(reference: string, task: Task): Promise<Lease<HostedModel<Head, Base>>> {
    const stored = await this.resolve(reference);
    const { manifest } = stored;
    if (manifest.task !== task) {
      const message = `${manifest.name}@${manifest.version} is a ${manifest.task} model; this call needs a ${task} model.`;
      throw automedError('WRONG_TASK', message, { field: 'model' });
    }
    return this.acquireStored(stored);
  }

  /** The model behind a reference, whatever its task, loaded and held until it is released. */
  async acquireAny(reference: string): Promise<Lease<HostedModel<Head, Base>>> {
    const stored = await this.resolve(reference);
    this.checkRole(stored.manifest);
    return this.acquireStored(stored);
  }

  /**
   * A base, loaded and held until it is released; it stays in memory after that until others need its room.
   * @param reference of a base, or of a segmentation model whose base is meant
   */
  async acquireBase(reference: string): Promise<Lease<HostedBase<Base>>> {
    const find = (): Promise<StoredBase> => resolveBaseOrModel(this.catalog, required(reference));
    const stored = await this.resolvedBases.get(reference, this.now(), this.options.resolveTtlMs, find);
    const key = baseKeyOf(stored);
    if (!this.bases.has(key) && !this.options.loadOnDemand) {
      const message = `${stored.manifest.name}@${stored.manifest.version} is not loaded here, and loading on demand is off.`;
      throw automedError('ILLEGAL_STATE', message, { field: 'model' });
    }
    const entry = this.baseEntry(stored);
    entry.kept = true;
    const release = this.use(entry, () => this.releaseBase(key));
    return this.whenLoaded(entry.loading, release);
  }

  private async acquireStored(stored: StoredModel): Promise<Lease<HostedModel<Head, Base>>> {
    const { manifest } = stored;
    const known = this.models.get(keyOf(stored));
    if (!known && !this.options.loadOnDemand) {
      const message = `${manifest.name}@${manifest.version} is not loaded here, and loading on demand is off.`;
      throw automedError('ILLEGAL_STATE', message, { field: 'model' });
    }
    return this.hold(known ?? this.start(stored));
  }

  /** Loads a model whether or not loading on demand is on. */
  async load(reference: string): Promise<ModelManifest> {
    this.forget();
    const stored = await this.resolve(reference);
    const { manifest } = stored;
    this.checkRole(manifest);
    const lease = await this.hold(this.models.get(keyOf(stored)) ?? this.start(stored));
    lease.release();
    return manifest;
  }

  /** Takes a model out of memory once nothing uses it. Does nothing when it is not loaded. */
  async unload(reference: string): Promise<ModelManifest> {
    const stored = await this.resolve(reference);
    this.retire(keyOf(stored));
    return stored.manifest;
  }

  /** Takes out what the store no longer has: one version, or all of a name. */
  retireDeleted(name: string, version: number | undefined): void {
    const prefix = version === undefined ? `${name}@` : `${name}@${version}:`;
    for (const key of [...this.models.keys()]) if (key.startsWith(prefix)) this.retire(key);
    this.forget();
  }

  /** Forgets what references mean, after versions or aliases changed. */
  forget(): void {
    this.resolved.clear();
    this.resolvedBases.clear();
  }

  isLoaded(manifest: ModelManifest): boolean {
    return this.models.get(`${manifest.name}@${manifest.version}:${manifest.weights.sha256}`)?.ready ?? false;
  }

  isBaseLoaded(sha256: string): boolean {
    return [...this.bases.keys()].some((key) => key.endsWith(`:${sha256}`));
  }

  get loadedCount(): number {
    return [...this.models.values()].filter((entry) => entry.ready).length;
  }

  get loadedBaseCount(): number {
    return this.bases.size;
  }

  /** Bytes of the weights files in memory, those on their way included. */
  get weightsBytes(): number {
    return this.budget.usedBytes;
  }

  /** How often idle weights made room for others. */
  get evictionCount(): number {
    return this.budget.evictionCount;
  }

  /** Unloads everything. */
  close(): void {
    for (const key of [...this.models.keys()]) this.retire(key);
    for (const [key, entry] of this.bases) {
      entry.kept = false;
      this.releaseBase(key);
    }
  }

  private checkRole(manifest: ModelManifest): void {
    if (this.options.tasks.includes(manifest.task)) return;
    const message = `${manifest.name}@${manifest.version} is a ${manifest.task} model; this replica does not have that role.`;
    throw automedError('ILLEGAL_STATE', message, { field: 'model' });
  }

  private resolve(reference: string): Promise<StoredModel> {
    const find = (): Promise<StoredModel> => this.catalog.resolveModel(required(reference));
    return this.resolved.get(reference, this.now(), this.options.resolveTtlMs, find);
  }

  private start(stored: StoredModel): ModelEntry<Head, Base> {
    const key = keyOf(stored);
    const entry: ModelEntry<Head, Base> = {
      loading: this.loadModel(stored),
      ready: false,
      uses: 0,
      retired: false,
      lastUse: 0,
      release: () => undefined,
    };
    this.models.set(key, entry);
    entry.loading.then(
      ({ head, manifest }) => {
        entry.ready = true;
        entry.release = () => {
          head.dispose();
          this.budget.release(manifest.weights.bytes);
          this.releaseHead(manifest);
        };
        if (!entry.retired) this.options.onLoaded(manifest.name, manifest.version);
        else if (entry.uses === 0) entry.release();
      },
      () => {
        if (this.models.get(key) === entry) this.models.delete(key);
      },
    );
    return entry;
  }

  private async hold(entry: ModelEntry<Head, Base>): Promise<Lease<HostedModel<Head, Base>>> {
    const release = this.use(entry, () => {
      if (entry.retired && entry.uses === 0 && entry.ready) entry.release();
    });
    return this.whenLoaded(entry.loading, release);
  }

  /** Counts a use; returns what ends it, once. */
  private use(entry: { uses: number; lastUse: number }, ended: () => void): () => void {
    entry.uses += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      entry.uses -= 1;
      entry.lastUse = this.uses += 1;
      ended();
    };
  }

  private async whenLoaded<T>(loading: Promise<T>, release: () => void): Promise<Lease<T>> {
    try {
      return { model: await loading, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  private retire(key: string): void {
    const entry = this.models.get(key);
    if (!entry) return;
    this.models.delete(key);
    entry.retired = true;
    if (!entry.ready) return;
    const [name = '', version = ''] = key.split(/[@:]/);
    this.options.onUnloaded(name, Number(version));
    if (entry.uses === 0) entry.release();
  }

  /** Unloads the model, or base without models, that was not used for the longest time. */
  private evictIdle(): boolean {
    // What could not come back must not go.
    if (!this.options.loadOnDemand) return false;
    const models = [...this.models]
      .filter(([, entry]) => entry.ready && entry.uses === 0)
      .map(([key, { lastUse }]) => ({ lastUse, evict: () => this.retire(key) }));
    const bases = [...this.bases]
      .filter(([, entry]) => entry.heads === 0 && entry.uses === 0)
      .map(([key, entry]) => ({
        lastUse: entry.lastUse,
        evict: () => {
          entry.kept = false;
          this.releaseBase(key);
        },
      }));
    const [oldest] = [...models, ...bases].sort((left, right) => left.lastUse - right.lastUse);
    oldest?.evict();
    return oldest !== undefined;
  }

  private async loadModel(stored: StoredModel): Promise<HostedModel<Head, Base>> {
    const { manifest, weightsPath } = stored;
    await this.catalog.verify(stored);
    const { base, identity: ofBase } = await this.holdBase(manifest);
    let reserved = 0;
    try {
      this.budget.reserve(manifest.weights.bytes, `the model ${manifest.name}@${manifest.version}`);
      reserved = manifest.weights.bytes;
      const head = await this.loader.loadHead(base, weightsPath, JSON.stringify(manifest.architecture));
      const identity: ModelIdentity = {
        name: manifest.name,
        version: manifest.version,
        weightsSha256: manifest.weights.sha256,
        baseName: manifest.base.name,
        baseVersion: manifest.base.version,
        baseSha256: ofBase.weightsSha256,
        precision: ofBase.precision,
      };
      return { head, base, manifest, identity };
    } catch (error) {
      this.budget.release(reserved);
      this.releaseHead(manifest);
      throw error;
    }
  }

  /** The base of a model, which counts among its heads from now on. */
  private async holdBase(manifest: ModelManifest): Promise<HostedBase<Base>> {
    const { name, version, sha256 } = manifest.base;
    const key = `${name}@${version}:${sha256}`;
    let entry = this.bases.get(key);
    if (!entry) {
      const stored = await this.catalog.resolveBase(`${name}@${version}`);
      if (stored.manifest.weights.sha256 !== sha256) {
        const message = `${manifest.name}@${manifest.version} was trained on another ${name}@${version} than the store has.`;
        throw automedError('CHECKPOINT_MISMATCH', message);
      }
      entry = this.baseEntry(stored);
    }
    entry.heads += 1;
    return entry.loading;
  }

  private baseEntry(stored: StoredBase): BaseEntry<Base> {
    const key = baseKeyOf(stored);
    const known = this.bases.get(key);
    if (known) return known;
    const entry = { reserved: 0, heads: 0, uses: 0, kept: false, lastUse: 0 } as BaseEntry<Base>;
    entry.loading = this.loadBase(stored, entry);
    this.bases.set(key, entry);
    entry.loading.catch(() => {
      if (this.bases.get(key) === entry) this.bases.delete(key);
    });
    return entry;
  }

  private async loadBase(stored: StoredBase, entry: BaseEntry<Base>): Promise<HostedBase<Base>> {
    const { name, version, weights, architecture } = stored.manifest;
    await this.catalog.verify(stored);
    this.budget.reserve(weights.bytes, `the base ${name}@${version}`);
    entry.reserved = weights.bytes;
    try {
      const base = await this.loader.loadBase(stored.weightsPath, JSON.stringify(architecture));
      return { base, identity: { name, version, weightsSha256: weights.sha256, precision: base.precision } };
    } catch (error) {
      this.free(entry);
      throw error;
    }
  }

  private releaseHead({ base }: ModelManifest): void {
    const key = `${base.name}@${base.version}:${base.sha256}`;
    const entry = this.bases.get(key);
    if (!entry) return;
    entry.heads -= 1;
    entry.lastUse = this.uses;
    this.releaseBase(key);
  }

  /** Frees a base that nothing needs any more. */
  private releaseBase(key: string): void {
    const entry = this.bases.get(key);
    if (!entry || entry.heads > 0 || entry.uses > 0 || entry.kept) return;
    this.bases.delete(key);
    this.free(entry);
    entry.loading.then(
      ({ base }) => base.dispose(),
      () => undefined, // there is nothing to dispose of
    );
  }

  /** Gives a base's room back at once, for somebody may be waiting for it. */
  private free(entry: BaseEntry<Base>): void {
    this.budget.release(entry.reserved);
    entry.reserved = 0;
  }
}

/** Remembers for a while what references mean. */
class Resolved<Stored> {
  private readonly known = new Map<string, { stored: Promise<Stored>; until: number }>();

  get(reference: string, now: number, ttlMs: number, find: () => Promise<Stored>): Promise<Stored> {
    const known = this.known.get(reference);
    if (known && known.until > now) return known.stored;
    const stored = find();
    this.known.set(reference, { stored, until: now + ttlMs });
    // A failure is not remembered, and neither is what nobody asks for any more.
    stored.catch(() => this.known.delete(reference));
    if (this.known.size > 1000) this.known.clear();
    return stored;
  }

  clear(): void {
    this.known.clear();
  }
}

function required(reference: string): string {
  if (reference !== '') return reference;
  const message = 'The request names no model: write NAME, NAME@VERSION or NAME@ALIAS.';
  throw automedError('INVALID_ARGUMENT', message, { field: 'model' });
}

function keyOf({ manifest }: StoredModel): string {
  return `${manifest.name}@${manifest.version}:${manifest.weights.sha256}`;
}

function baseKeyOf({ manifest }: StoredBase): string {
  return `${manifest.name}@${manifest.version}:${manifest.weights.sha256}`;
}
