import { automedError } from '../../common/errors';
import type { BaseIdentity, Lease } from '../../common/inference';
import { inputRuleText, type BaseArchitecture, type ModelManifest, type StoredBase } from '../../store';
import type { Idle, Used, Uses } from './uses';
import type { WeightsBudget } from './weights-budget';

/** The store, as far as bases need it. */
export interface BaseCatalog {
  resolveBase(reference: string): Promise<StoredBase>;
  /** @throws CheckpointError (CHECKPOINT_CORRUPT) when the weights are not the registered ones */
  verify(stored: StoredBase): Promise<void>;
}

/** Of an encoder. */
export type EncoderPrecision = 'float32' | 'bfloat16';

/** A base in memory. */
export interface HostedBase<Base> {
  readonly base: Base;
  /** How images are prepared for prompts on it (inputRuleText). */
  readonly preprocessing: string;
  readonly identity: BaseIdentity;
  readonly architecture: BaseArchitecture;
}

export interface LoadableBase {
  readonly precision: string;
  dispose(): void;
}

interface Entry<Base> extends Used {
  loading: Promise<HostedBase<Base>>;
  /** What it counts in the budget, bytes. */
  reserved: number;
  /** Models on it. */
  heads: number;
  /** Asked for by itself, and so not freed with its last model. */
  kept: boolean;
}

/** What bases share with the models on them. */
export interface BaseHost<Base> {
  load(weightsPath: string, architecture: string, precision: EncoderPrecision): Promise<Base>;
  /** What a model's base runs in. */
  precisionOf(manifest: ModelManifest): EncoderPrecision;
  budget: WeightsBudget;
  uses: Uses;
  /** Hears that a base has left memory. */
  onReleased(): void;
}

/** The bases in memory: each once, shared by its models and by requests that use it without one. */
export class HostedBases<Base extends LoadableBase> {
  private readonly entries = new Map<string, Entry<Base>>();

  constructor(
    private readonly catalog: BaseCatalog,
    private readonly host: BaseHost<Base>,
  ) {}

  get count(): number {
    return this.entries.size;
  }

  /** `NAME@VERSION` of each base, and what its weights count in the budget, bytes. */
  weights(): { name: string; bytes: number }[] {
    return [...this.entries].map(([key, { reserved }]) => ({
      name: key.slice(0, key.lastIndexOf(':')),
      bytes: reserved,
    }));
  }

  has(stored: StoredBase): boolean {
    return this.entries.has(keyOf(stored.manifest, stored.manifest.weights.sha256));
  }

  isLoaded(sha256: string): boolean {
    return [...this.entries.keys()].some((key) => key.endsWith(`:${sha256}`));
  }

  /** The base itself; it stays in memory afterwards until others need its room. */
  async acquire(stored: StoredBase): Promise<Lease<HostedBase<Base>>> {
    const entry = this.entry(stored);
    entry.kept = true;
    const key = keyOf(stored.manifest, stored.manifest.weights.sha256);
    return this.host.uses.hold(entry, entry.loading, () => this.freeUnneeded(key));
  }

  /** The base of a model, which counts among its heads until releaseHead(). */
  async holdForHead(manifest: ModelManifest): Promise<HostedBase<Base>> {
    const { name, version, sha256 } = manifest.base;
    const precision = this.host.precisionOf(manifest);
    let entry = this.entries.get(keyOf(manifest.base, sha256, precision));
    if (!entry) {
      const stored = await this.catalog.resolveBase(`${name}@${version}`);
      if (stored.manifest.weights.sha256 !== sha256) {
        const message = `${manifest.name}@${manifest.version} was trained on another ${name}@${version} than the store has.`;
        throw automedError('CHECKPOINT_MISMATCH', message);
      }
      entry = this.entry(stored, manifest.weights.bytes, precision);
    }
    entry.heads += 1;
    return entry.loading;
  }

  releaseHead(manifest: ModelManifest): void {
    const key = this.keyOfHead(manifest);
    const entry = this.entries.get(key);
    if (!entry) return;
    entry.heads -= 1;
    this.host.uses.touch(entry);
    this.freeUnneeded(key);
  }

  /** Those that nothing stands on and nobody uses. */
  idle(): Idle[] {
    return [...this.entries]
      .filter(([, entry]) => entry.heads === 0 && entry.uses === 0)
      .map(([key, entry]) => ({ lastUse: entry.lastUse, evict: () => this.letGo(key, entry) }));
  }

  /** Bytes of the bases that would be idle if these models were not there. */
  idleBytes(idleModels: readonly ModelManifest[]): number {
    const heads = new Map<string, number>();
    for (const model of idleModels) {
      const key = this.keyOfHead(model);
      heads.set(key, (heads.get(key) ?? 0) + 1);
    }
    return [...this.entries]
      .filter(([key, entry]) => entry.uses === 0 && entry.heads === (heads.get(key) ?? 0))
      .reduce((sum, [, { reserved }]) => sum + reserved, 0);
  }

  /** Frees each base as soon as nothing needs it. */
  close(): void {
    for (const [key, entry] of this.entries) this.letGo(key, entry);
  }

  /** @param headBytes what will be loaded on it at once */
  private entry(stored: StoredBase, headBytes = 0, precision: EncoderPrecision = 'float32'): Entry<Base> {
    const key = keyOf(stored.manifest, stored.manifest.weights.sha256, precision);
    const known = this.entries.get(key);
    if (known) return known;
    const counts = { reserved: 0, heads: 0, uses: 0, kept: false, lastUse: 0 };
    const entry: Entry<Base> = Object.assign(counts, {
      loading: this.loadCounted(stored, counts, headBytes, precision),
    });
    this.entries.set(key, entry);
    entry.loading.catch(() => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    });
    return entry;
  }

  private async loadCounted(
    stored: StoredBase,
    entry: { reserved: number },
    headBytes: number,
    precision: EncoderPrecision,
  ): Promise<HostedBase<Base>> {
    const { name, version, weights, architecture } = stored.manifest;
    const verified = this.catalog.verify(stored);
    verified.catch(() => undefined); // is told below
    if (stored.fetch) await verified; // brings the file
    const what = `the base ${name}@${version}${headBytes > 0 ? ' and a model on it' : ''}`;
    this.host.budget.reserve(weights.bytes, what, headBytes);
    entry.reserved = weights.bytes;
    try {
      const base = await this.loadVerified(stored, precision, verified);
      const identity = { name, version, weightsSha256: weights.sha256, precision: base.precision };
      return { base, preprocessing: inputRuleText(architecture), identity, architecture };
    } catch (error) {
      this.giveBack(entry);
      throw error;
    }
  }

  /** Loads a file while it is verified: a large one takes seconds for each. What is not the registered one is let go again. */
  private async loadVerified(
    { weightsPath, manifest }: StoredBase,
    precision: EncoderPrecision,
    verified: Promise<void>,
  ): Promise<Base> {
    const loading = this.host.load(weightsPath, JSON.stringify(manifest.architecture), precision);
    const [check, load] = await Promise.allSettled([verified, loading]);
    if (check.status === 'rejected') {
      if (load.status === 'fulfilled') load.value.dispose();
      throw check.reason;
    }
    return loading;
  }

  private keyOfHead(manifest: ModelManifest): string {
    return keyOf(manifest.base, manifest.base.sha256, this.host.precisionOf(manifest));
  }

  private letGo(key: string, entry: Entry<Base>): void {
    entry.kept = false;
    this.freeUnneeded(key);
  }

  private freeUnneeded(key: string): void {
    const entry = this.entries.get(key);
    if (!entry || entry.heads > 0 || entry.uses > 0 || entry.kept) return;
    this.entries.delete(key);
    this.giveBack(entry);
    entry.loading.then(
      ({ base }) => {
        base.dispose();
        this.host.onReleased();
      },
      () => undefined, // there is nothing to dispose of
    );
  }

  /** At once, for somebody may be waiting for the room. */
  private giveBack(entry: { reserved: number }): void {
    this.host.budget.release(entry.reserved);
    entry.reserved = 0;
  }
}

/** Every precision has weights of its own. */
function keyOf(
  { name, version }: { name: string; version: number },
  sha256: string,
  precision: EncoderPrecision = 'float32',
): string {
  return `${name}@${version}${precision === 'float32' ? '' : `:${precision}`}:${sha256}`;
}
