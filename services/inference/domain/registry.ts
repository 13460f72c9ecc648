import { automedError } from '../../common/errors';
import type {
  BackboneManifest,
  BaseManifest,
  ModelManifest,
  StoredBackbone,
  StoredBase,
  StoredModel,
  Task,
} from '../../store';
import { lookUpSamples, type SampleKnowledge } from './look-up-samples';
import { SampleRecords } from './sample-records';
import { paginate, type Page } from './paging';

/** The store, as far as this program names, lists and deletes. */
export interface Library {
  listModels(): Promise<StoredModel[]>;
  listBases(): Promise<StoredBase[]>;
  listBackbones(): Promise<StoredBackbone[]>;
  resolveModel(reference: string): Promise<StoredModel>;
  resolveBase(reference: string): Promise<StoredBase>;
  aliases(name: string): Promise<Record<string, number>>;
  /** Whether only promotions move an alias. */
  isReserved(name: string, alias: string): Promise<boolean>;
  setAlias(name: string, alias: string, version: number): Promise<void>;
  deleteAlias(name: string, alias: string): Promise<void>;
  deleteModel(name: string, version: number | undefined, options: { force: boolean }): Promise<void>;
}

/** What this process holds in memory. */
export interface Memory {
  load(reference: string): Promise<ModelManifest>;
  unload(reference: string): Promise<ModelManifest>;
  /** Loads a version where a reference is in use here, so that it can take over at once. */
  anticipate(reference: string, version: number): Promise<void>;
  forget(): void;
  retireDeleted(name: string, version: number | undefined): void;
  isLoaded(manifest: ModelManifest): boolean;
  isBaseLoaded(sha256: string): boolean;
}

export interface ModelView {
  manifest: ModelManifest;
  aliases: string[];
  loaded: boolean;
}

export interface BaseView {
  manifest: BaseManifest;
  loaded: boolean;
}

interface PageRequest {
  pageSize: number;
  pageToken: string;
}

/** Models and bases as the API shows them: the store's record plus what this replica holds. */
export class Registry {
  private readonly records = new SampleRecords();

  constructor(
    private readonly library: Library,
    private readonly memory: Memory,
  ) {}

  async listModels(request: PageRequest, task: Task | undefined): Promise<Page<ModelView>> {
    const manifests = (await this.library.listModels()).map(({ manifest }) => manifest);
    const wanted = task === undefined ? manifests : manifests.filter((manifest) => manifest.task === task);
    const page = paginate(wanted, keyOf, request);
    return { ...page, items: await Promise.all(page.items.map((manifest) => this.view(manifest))) };
  }

  async getModel(reference: string): Promise<ModelView> {
    return this.view((await this.library.resolveModel(required(reference, 'model'))).manifest);
  }

  /** What a version knows of samples, by their digests: 32 bytes each, one after another. */
  async lookUpSamples(reference: string, digests: Uint8Array): Promise<SampleKnowledge> {
    return lookUpSamples(await this.library.resolveModel(required(reference, 'model')), digests, this.records);
  }

  async load(reference: string): Promise<ModelView> {
    return this.view(await this.memory.load(required(reference, 'model')));
  }

  async unload(reference: string): Promise<ModelView> {
    return this.view(await this.memory.unload(required(reference, 'model')));
  }

  /** @throws IllegalStateError for an alias that was ever promoted */
  async setAlias(name: string, alias: string, version: number): Promise<ModelView> {
    const refusal = 'promote the version, or roll the alias back';
    await this.refuseReserved(name, alias, refusal);
    await this.memory.anticipate(`${plainName(name)}@${required(alias, 'alias')}`, version);
    // That took its time, in which the alias may have been promoted.
    await this.refuseReserved(name, alias, refusal);
    await this.library.setAlias(name, alias, version);
    this.memory.forget();
    return this.getModel(`${name}@${version}`);
  }

  /** @param force also an alias that was promoted; it can then be promoted again, and nothing else */
  async deleteAlias(name: string, alias: string, force: boolean): Promise<void> {
    if (!force) await this.refuseReserved(name, alias, 'force it to remove the alias all the same');
    await this.library.deleteAlias(plainName(name), required(alias, 'alias'));
    this.memory.forget();
  }

  /** @param reference `name` or `name@3`; an alias could move between the look and the deletion */
  async deleteModel(reference: string, force: boolean): Promise<void> {
    const match = /^([^@]+)(?:@(\d+))?$/.exec(reference);
    if (!match?.[1]) {
      const message = 'Name what to delete as NAME or NAME@VERSION; aliases are not accepted here.';
      throw automedError('INVALID_ARGUMENT', message, { field: 'model' });
    }
    const version = match[2] === undefined ? undefined : Number(match[2]);
    await this.library.deleteModel(match[1], version, { force });
    this.memory.retireDeleted(match[1], version);
  }

  async listBases(request: PageRequest): Promise<Page<BaseView>> {
    const manifests = (await this.library.listBases()).map(({ manifest }) => manifest);
    const page = paginate(manifests, keyOf, request);
    return { ...page, items: page.items.map((manifest) => this.viewBase(manifest)) };
  }

  async listBackbones(request: PageRequest): Promise<Page<BackboneManifest>> {
    const manifests = (await this.library.listBackbones()).map(({ manifest }) => manifest);
    return paginate(manifests, keyOf, request);
  }

  async getBase(reference: string): Promise<BaseView> {
    return this.viewBase((await this.library.resolveBase(required(reference, 'base'))).manifest);
  }

  private async refuseReserved(name: string, alias: string, advice: string): Promise<void> {
    if (!(await this.library.isReserved(plainName(name), required(alias, 'alias')))) return;
    const text = `${name}@${alias} was promoted, and only promotions move it: ${advice}.`;
    throw automedError('ILLEGAL_STATE', text, { field: 'alias' });
  }

  private async view(manifest: ModelManifest): Promise<ModelView> {
    const aliases = Object.entries(await this.library.aliases(manifest.name))
      .filter(([, version]) => version === manifest.version)
      .map(([alias]) => alias);
    return { manifest, aliases, loaded: this.memory.isLoaded(manifest) };
  }

  private viewBase(manifest: BaseManifest): BaseView {
    return { manifest, loaded: this.memory.isBaseLoaded(manifest.weights.sha256) };
  }
}

function keyOf({ name, version }: { name: string; version: number }): string {
  return `${name}@${version}`;
}

function required(value: string, field: string): string {
  if (value !== '') return value;
  throw automedError('INVALID_ARGUMENT', `The request names no ${field}.`, { field });
}

function plainName(name: string): string {
  if (!name.includes('@')) return required(name, 'model');
  throw automedError('INVALID_ARGUMENT', 'An alias belongs to a name: give the model without its version.', {
    field: 'model',
  });
}
