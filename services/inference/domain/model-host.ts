import { automedError } from '../../common/errors';
import type { Lease, ModelIdentity } from '../../common/inference';
import type { ModelManifest, StoredBase, StoredModel, Task } from '../../store';

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
  onLoaded(name: string, version: number): void;
  onUnloaded(name: string, version: number): void;
}

/** A model in memory. */
export interface HostedModel<Head> {
  readonly head: Head;
  readonly manifest: ModelManifest;
  readonly identity: ModelIdentity;
}

interface Disposable {
  dispose(): void;
}

interface BaseEntry<Base> {
  loading: Promise<{ base: Base; sha256: string }>;
  heads: number;
}

interface ModelEntry<Head> {
  loading: Promise<HostedModel<Head>>;
  ready: boolean;
  uses: number;
  retired: boolean;
  release: () => void;
}

/**
 * The models of this process. Each is loaded once however many requests ask at once, each base is shared by its heads and
 * freed with the last of them, and a model that is unloaded stays until the requests that use it are answered.
 */
export class ModelHost<Base extends Disposable & { readonly precision: string }, Head extends Disposable> {
  private readonly models = new Map<string, ModelEntry<Head>>();
  private readonly bases = new Map<string, BaseEntry<Base>>();
  private readonly resolved = new Map<string, { stored: Promise<StoredModel>; until: number }>();

  constructor(
    private readonly catalog: Catalog,
    private readonly loader: Loader<Base, Head>,
    private readonly options: HostOptions,
    private readonly now: () => number = Date.now,
  ) {}

  /** The model behind a reference, loaded and held until it is released. */
  async acquire(reference: string, task: Task): Promise<Lease<HostedModel<Head>>> {
    const stored = await this.resolve(reference);
    const { manifest } = stored;
    if (manifest.task !== task) {
      const message = `${manifest.name}@${manifest.version} is a ${manifest.task} model; this call needs a ${task} model.`;
      throw automedError('WRONG_TASK', message, { field: 'model' });
    }
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
    if (!this.options.tasks.includes(manifest.task)) {
      const message = `${manifest.name}@${manifest.version} is a ${manifest.task} model; this replica does not have that role.`;
      throw automedError('ILLEGAL_STATE', message, { field: 'model' });
    }
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

  /** Unloads everything. */
  close(): void {
    for (const key of [...this.models.keys()]) this.retire(key);
  }

  private resolve(reference: string): Promise<StoredModel> {
    const known = this.resolved.get(reference);
    if (known && known.until > this.now()) return known.stored;
    if (reference === '') {
      const message = 'The request names no model: write NAME, NAME@VERSION or NAME@ALIAS.';
      throw automedError('INVALID_ARGUMENT', message, { field: 'model' });
    }
    const stored = this.catalog.resolveModel(reference);
    this.resolved.set(reference, { stored, until: this.now() + this.options.resolveTtlMs });
    // A failure is not remembered, and neither is what nobody asks for any more.
    stored.catch(() => this.resolved.delete(reference));
    if (this.resolved.size > 1000) this.resolved.clear();
    return stored;
  }

  private start(stored: StoredModel): ModelEntry<Head> {
    const key = keyOf(stored);
    const entry: ModelEntry<Head> = {
      loading: this.loadModel(stored),
      ready: false,
      uses: 0,
      retired: false,
      release: () => undefined,
    };
    this.models.set(key, entry);
    entry.loading.then(
      ({ head, manifest }) => {
        entry.ready = true;
        entry.release = () => {
          head.dispose();
          this.releaseBase(manifest);
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

  private async hold(entry: ModelEntry<Head>): Promise<Lease<HostedModel<Head>>> {
    entry.uses += 1;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      entry.uses -= 1;
      if (entry.retired && entry.uses === 0 && entry.ready) entry.release();
    };
    try {
      return { model: await entry.loading, release };
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

  private async loadModel(stored: StoredModel): Promise<HostedModel<Head>> {
    const { manifest, weightsPath } = stored;
    await this.catalog.verify(stored);
    const { base, sha256 } = await this.holdBase(manifest);
    try {
      const head = await this.loader.loadHead(base, weightsPath, JSON.stringify(manifest.architecture));
      const identity: ModelIdentity = {
        name: manifest.name,
        version: manifest.version,
        weightsSha256: manifest.weights.sha256,
        baseName: manifest.base.name,
        baseVersion: manifest.base.version,
        baseSha256: sha256,
        precision: base.precision,
      };
      return { head, manifest, identity };
    } catch (error) {
      this.releaseBase(manifest);
      throw error;
    }
  }

  private async holdBase(manifest: ModelManifest): Promise<{ base: Base; sha256: string }> {
    const key = baseKeyOf(manifest);
    const entry = this.bases.get(key) ?? { loading: this.loadBase(manifest), heads: 0 };
    this.bases.set(key, entry);
    entry.heads += 1;
    try {
      return await entry.loading;
    } catch (error) {
      if (this.bases.get(key) === entry) this.bases.delete(key);
      throw error;
    }
  }

  private async loadBase(manifest: ModelManifest): Promise<{ base: Base; sha256: string }> {
    const { name, version, sha256 } = manifest.base;
    const stored = await this.catalog.resolveBase(`${name}@${version}`);
    if (stored.manifest.weights.sha256 !== sha256) {
      const message = `${manifest.name}@${manifest.version} was trained on another ${name}@${version} than the store has.`;
      throw automedError('CHECKPOINT_MISMATCH', message);
    }
    await this.catalog.verify(stored);
    const base = await this.loader.loadBase(stored.weightsPath, JSON.stringify(stored.manifest.architecture));
    return { base, sha256 };
  }

  private releaseBase(manifest: ModelManifest): void {
    const key = baseKeyOf(manifest);
    const entry = this.bases.get(key);
    if (!entry) return;
    entry.heads -= 1;
    if (entry.heads > 0) return;
    this.bases.delete(key);
    void entry.loading.then(({ base }) => base.dispose());
  }
}

function keyOf({ manifest }: StoredModel): string {
  return `${manifest.name}@${manifest.version}:${manifest.weights.sha256}`;
}

function baseKeyOf({ base }: ModelManifest): string {
  return `${base.name}@${base.version}:${base.sha256}`;
}
