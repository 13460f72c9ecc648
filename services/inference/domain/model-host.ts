import { automedError } from '../../common/errors';
import type { Lease, ModelIdentity } from '../../common/inference';
import { stage } from '../../common/stages';
import { agrees, type InputRule, type ModelManifest, type StoredBase, type StoredModel, type Task } from '../../store';
import { resolveBaseOrModel } from './base-reference';
import { FollowedModels, keyOf } from './followed-models';
import { HostedBases, type EncoderPrecision, type HostedBase, type LoadableBase } from './hosted-bases';
import { Remembered } from './remembered';
import { Uses, type Idle, type Used } from './uses';
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
  loadBase(weightsPath: string, architecture: string, precision: EncoderPrecision): Promise<Base>;
  loadHead(base: Base, weightsPath: string, architecture: string, preprocessing: InputRule): Promise<Head>;
  /**
   * Runs a model once before it serves.
   * @throws CheckpointError (CHECKPOINT_CORRUPT) when it does not answer as it did at registration
   */
  prove(head: Head, stored: StoredModel): Promise<void>;
}

export interface HostOptions {
  /** Bfloat16: for versions that agree with float32 (precision-agreement.ts). Default: float32 for all. */
  precision?: EncoderPrecision;
  /** Tasks of the roles that this program has. */
  tasks: readonly Task[];
  /** Whether a request may load a model that is not loaded. */
  loadOnDemand: boolean;
  /** How long the meaning of a reference is remembered, milliseconds; versions and aliases made elsewhere show after it. */
  resolveTtlMs: number;
  /** What weights may take in memory, bytes; Infinity for no bound. */
  weightsBudgetBytes: number;
  /** @param seconds from the request for it until it can answer: checksum, base, weights, golden image */
  onLoaded(name: string, version: number, seconds: number): void;
  onUnloaded(name: string, version: number): void;
  /** Hears that weights have left memory, after the last request that used them. */
  onReleased(): void;
  /** Hears that a reference means a version that cannot serve, while the version of before goes on. */
  onHeldBack(reference: string, error: unknown): void;
}

/** A model in memory. */
export interface HostedModel<Head, Base = unknown> {
  readonly head: Head;
  readonly base: Base;
  readonly manifest: ModelManifest;
  readonly identity: ModelIdentity;
}

interface Disposable {
  dispose(): void;
}

interface ModelEntry<Head, Base> extends Used {
  manifest: ModelManifest;
  loading: Promise<HostedModel<Head, Base>>;
  ready: boolean;
  retired: boolean;
  release: () => void;
}

/**
 * The models of this process. Each is loaded once however many requests ask at once, each base is shared by its heads and
 * freed with the last of them, and a model that is unloaded stays until the requests that use it are answered. Where the
 * budget leaves no room, what was not used for the longest time goes first. References are followed to new versions (see
 * FollowedModels) without a request that waits or fails.
 */
export class ModelHost<Base extends LoadableBase, Head extends Disposable> {
  private readonly models = new Map<string, ModelEntry<Head, Base>>();
  private readonly bases: HostedBases<Base>;
  private readonly references: FollowedModels;
  private readonly resolvedBases: Remembered<StoredBase>;
  private readonly budget: WeightsBudget;
  private readonly uses = new Uses();

  constructor(
    private readonly catalog: Catalog,
    private readonly loader: Loader<Base, Head>,
    private readonly options: HostOptions,
    now: () => number = Date.now,
  ) {
    this.budget = new WeightsBudget(options.weightsBudgetBytes, {
      bytes: () => this.idleBytes(),
      evictOne: () => this.evictIdle(),
    });
    this.bases = new HostedBases(catalog, {
      load: (path, text, precision) => loader.loadBase(path, text, precision),
      precisionOf: ({ reducedPrecision }) =>
        options.precision === 'bfloat16' && agrees(reducedPrecision?.bfloat16) ? 'bfloat16' : 'float32',
      budget: this.budget,
      uses: this.uses,
      onReleased: () => options.onReleased(),
    });
    this.references = new FollowedModels(
      {
        resolve: async (reference) => catalog.resolveModel(required(reference)),
        isReady: (stored) => this.models.get(keyOf(stored))?.ready ?? false,
        prepare: (stored) => this.prepare(stored),
        retire: (stored) => this.retire(keyOf(stored)),
        onHeldBack: (reference, error) => options.onHeldBack(reference, error),
      },
      { ttlMs: options.resolveTtlMs, now },
    );
    this.resolvedBases = new Remembered(options.resolveTtlMs, now);
  }

  /** The model behind a reference, loaded and held until it is released. */
  async acquire(reference: string, task: Task): Promise<Lease<HostedModel<Head, Base>>> {
    await this.references.settle(reference);
    const stored = this.references.serving(reference);
    const { manifest } = stored;
    if (manifest.task !== task) {
      const message = `${manifest.name}@${manifest.version} is a ${manifest.task} model; this call needs a ${task} model.`;
      throw automedError('WRONG_TASK', message, { field: 'model' });
    }
    return this.acquireStored(stored);
  }

  /** The model behind a reference, whatever its task, loaded and held until it is released. */
  async acquireAny(reference: string): Promise<Lease<HostedModel<Head, Base>>> {
    await this.references.settle(reference);
    const stored = this.references.serving(reference);
    this.checkRole(stored.manifest);
    return this.acquireStored(stored);
  }

  /** What acquireBase() would load. */
  async findBase(reference: string): Promise<StoredBase> {
    return this.resolvedBases.get(reference, async () => resolveBaseOrModel(this.catalog, required(reference)));
  }

  /**
   * A base, loaded and held until it is released; it stays in memory after that until others need its room.
   * @param reference of a base, or of a segmentation model whose base is meant
   */
  async acquireBase(reference: string): Promise<Lease<HostedBase<Base>>> {
    const stored = await this.findBase(reference);
    if (!this.bases.has(stored) && !this.options.loadOnDemand) {
      const message = `${stored.manifest.name}@${stored.manifest.version} is not loaded here, and loading on demand is off.`;
      throw automedError('ILLEGAL_STATE', message, { field: 'model' });
    }
    return this.bases.acquire(stored);
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

  /** Loads what a reference means now, whether or not loading on demand is on; from then on it answers for the reference. */
  async load(reference: string): Promise<ModelManifest> {
    const stored = await this.catalog.resolveModel(required(reference));
    await this.prepare(stored);
    this.references.adopt(reference, stored);
    return stored.manifest;
  }

  /** Takes a model out of memory once nothing uses it. Does nothing when it is not loaded. */
  async unload(reference: string): Promise<ModelManifest> {
    await this.references.settle(reference);
    const stored = this.references.serving(reference);
    this.references.release(stored);
    this.retire(keyOf(stored));
    return stored.manifest;
  }

  /** Loads a version where a reference is in use, so that the reference can move to it at once. */
  async anticipate(reference: string, version: number): Promise<void> {
    if (!this.references.isInUse(reference)) return;
    const [name] = reference.split('@');
    await this.prepare(await this.catalog.resolveModel(`${name}@${version}`));
  }

  /** Looks whether the references in use have moved, and begins to follow them. */
  async refresh(): Promise<void> {
    await this.references.refresh();
  }

  /** Takes out what the store no longer has: one version, or all of a name. */
  retireDeleted(name: string, version: number | undefined): void {
    const prefix = version === undefined ? `${name}@` : `${name}@${version}:`;
    for (const key of [...this.models.keys()]) if (key.startsWith(prefix)) this.retire(key);
    this.forget();
  }

  /** Forgets what references mean, after versions or aliases changed. */
  forget(): void {
    this.references.forget();
    this.resolvedBases.clear();
  }

  isLoaded(manifest: ModelManifest): boolean {
    return this.models.get(`${manifest.name}@${manifest.version}:${manifest.weights.sha256}`)?.ready ?? false;
  }

  isBaseLoaded(sha256: string): boolean {
    return this.bases.isLoaded(sha256);
  }

  get loadedCount(): number {
    return [...this.models.values()].filter((entry) => entry.ready).length;
  }

  get loadedBaseCount(): number {
    return this.bases.count;
  }

  /** Bytes of the weights files in memory, those on their way included. */
  get weightsBytes(): number {
    return this.budget.usedBytes;
  }

  /** The weights of each base, and of each model without its base, bytes. */
  weights(): { kind: 'base' | 'model'; name: string; bytes: number }[] {
    const models = [...this.models.values()].filter(({ ready }) => ready);
    return [
      ...this.bases.weights().map((each) => ({ kind: 'base' as const, ...each })),
      ...models.map(({ manifest: { name, version, weights } }) => {
        return { kind: 'model' as const, name: `${name}@${version}`, bytes: weights.bytes };
      }),
    ];
  }

  /** How often idle weights made room for others. */
  get evictionCount(): number {
    return this.budget.evictionCount;
  }

  /** Unloads everything. */
  close(): void {
    for (const key of [...this.models.keys()]) this.retire(key);
    this.bases.close();
  }

  private checkRole(manifest: ModelManifest): void {
    if (this.options.tasks.includes(manifest.task)) return;
    const message = `${manifest.name}@${manifest.version} is a ${manifest.task} model; this replica does not have that role.`;
    throw automedError('ILLEGAL_STATE', message, { field: 'model' });
  }

  private async prepare(stored: StoredModel): Promise<void> {
    this.checkRole(stored.manifest);
    const lease = await this.hold(this.models.get(keyOf(stored)) ?? this.start(stored));
    lease.release();
  }

  private start(stored: StoredModel): ModelEntry<Head, Base> {
    const key = keyOf(stored);
    const started = performance.now();
    const entry: ModelEntry<Head, Base> = {
      manifest: stored.manifest,
      loading: stage('load-model', () => this.loadModel(stored)),
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
          this.bases.releaseHead(manifest);
          this.options.onReleased();
        };
        const seconds = (performance.now() - started) / 1000;
        if (!entry.retired) this.options.onLoaded(manifest.name, manifest.version, seconds);
        else if (entry.uses === 0) entry.release();
      },
      () => {
        if (this.models.get(key) === entry) this.models.delete(key);
      },
    );
    return entry;
  }

  private async hold(entry: ModelEntry<Head, Base>): Promise<Lease<HostedModel<Head, Base>>> {
    return this.uses.hold(entry, entry.loading, () => {
      if (entry.retired && entry.uses === 0 && entry.ready) entry.release();
    });
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

  private idleModels(): [string, ModelEntry<Head, Base>][] {
    return [...this.models].filter(([, entry]) => entry.ready && entry.uses === 0);
  }

  /** Bytes that evictIdle() could free altogether. */
  private idleBytes(): number {
    if (!this.options.loadOnDemand) return 0;
    const manifests = this.idleModels().map(([, { manifest }]) => manifest);
    const ofModels = manifests.reduce((sum, { weights }) => sum + weights.bytes, 0);
    return ofModels + this.bases.idleBytes(manifests);
  }

  /** Unloads the model, or base without models, that was not used for the longest time. */
  private evictIdle(): boolean {
    // What could not come back must not go.
    if (!this.options.loadOnDemand) return false;
    const models: Idle[] = this.idleModels().map(([key, { lastUse }]) => ({ lastUse, evict: () => this.retire(key) }));
    const [oldest] = [...models, ...this.bases.idle()].sort((left, right) => left.lastUse - right.lastUse);
    oldest?.evict();
    return oldest !== undefined;
  }

  private async loadModel(stored: StoredModel): Promise<HostedModel<Head, Base>> {
    const { manifest, weightsPath } = stored;
    await this.catalog.verify(stored);
    const { base, identity: ofBase } = await this.bases.holdForHead(manifest);
    let reserved = 0;
    try {
      this.budget.reserve(manifest.weights.bytes, `the model ${manifest.name}@${manifest.version}`);
      reserved = manifest.weights.bytes;
      const text = JSON.stringify(manifest.architecture);
      const head = await this.loader.loadHead(base, weightsPath, text, manifest.preprocessing);
      await this.loader.prove(head, stored).catch((error: unknown) => {
        head.dispose();
        throw error;
      });
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
      this.bases.releaseHead(manifest);
      throw error;
    }
  }
}

function required(reference: string): string {
  if (reference !== '') return reference;
  const message = 'The request names no model: write NAME, NAME@VERSION or NAME@ALIAS.';
  throw automedError('INVALID_ARGUMENT', message, { field: 'model' });
}
