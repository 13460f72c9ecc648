// A host of models over an engine that only counts: what is loaded, freed and told.

import { automedError } from '../../services/common/errors';
import { ModelHost, type Catalog, type HostOptions } from '../../services/inference/domain/model-host';
import type { StoredBase, StoredModel } from '../../services/store';

export const SHA = 'a'.repeat(64);
export const BASE_SHA = 'b'.repeat(64);
export const OTHER_SHA = 'c'.repeat(64);
export const HEAD_BYTES = 10;
export const BASE_BYTES = 100;

class Counted {
  readonly precision = 'float32';
  disposed = 0;
  dispose(): void {
    this.disposed += 1;
  }
}

export function model(name: string, version: number, task = 'segmentation', sha256 = SHA): StoredModel {
  const base = { name: 'tiny', version: 1, sha256: BASE_SHA };
  const manifest = { name, version, task, base, weights: { file: 'w', sha256, bytes: HEAD_BYTES }, architecture: {} };
  return { manifest, weightsPath: `/${name}`, folder: '/' } as unknown as StoredModel;
}

export function setUp(options: Partial<HostOptions> = {}, baseSha = BASE_SHA) {
  const base = {
    manifest: { name: 'tiny', version: 1, weights: { sha256: baseSha, bytes: BASE_BYTES }, architecture: {} },
    weightsPath: '/b',
  };
  const otherBase = {
    manifest: { ...base.manifest, name: 'other', weights: { sha256: OTHER_SHA, bytes: BASE_BYTES } },
    weightsPath: '/o',
  };
  const store = new Map([
    ['polyp', model('polyp', 2)],
    ['polyp@2', model('polyp', 2)],
    ['lesion', model('lesion', 1)],
    ['tumour', model('tumour', 1, 'classification')],
  ]);
  const calls = {
    bases: [] as Counted[],
    precisions: [] as string[],
    heads: [] as Counted[],
    resolved: 0,
    released: 0,
    events: [] as string[],
    heldBack: [] as string[],
  };
  const unproved = new Set<number>();
  let [corrupt, unreadable] = [false, false];
  const catalog: Catalog = {
    resolveModel: async (reference) => {
      calls.resolved += 1;
      if (unreadable) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      const found = store.get(reference);
      if (!found) throw automedError('NOT_FOUND', 'no');
      return found;
    },
    resolveBase: async (reference) => {
      if (reference === 'other@1') return otherBase as unknown as StoredBase;
      if (!/^tiny(@1)?$/.test(reference)) throw automedError('NOT_FOUND', 'no');
      return base as unknown as StoredBase;
    },
    verify: async () => {
      if (corrupt) throw automedError('CHECKPOINT_CORRUPT', 'changed');
    },
  };
  const make = async (into: Counted[]): Promise<Counted> => {
    const made = new Counted();
    into.push(made);
    await new Promise((resolve) => setImmediate(resolve));
    return made;
  };
  let now = 0;
  const host = new ModelHost<Counted, Counted>(
    catalog,
    {
      loadBase: (_path, _architecture, precision) => {
        calls.precisions.push(precision);
        return make(calls.bases);
      },
      loadHead: () => make(calls.heads),
      prove: async (_, { manifest }) => {
        if (unproved.has(manifest.version)) throw automedError('CHECKPOINT_CORRUPT', 'it answers otherwise');
      },
    },
    {
      tasks: ['segmentation', 'classification'],
      loadOnDemand: true,
      resolveTtlMs: 1000,
      weightsBudgetBytes: Infinity,
      onLoaded: (name, version) => calls.events.push(`+${name}@${version}`),
      onUnloaded: (name, version) => calls.events.push(`-${name}@${version}`),
      onReleased: () => (calls.released += 1),
      onHeldBack: (reference, error) => calls.heldBack.push(`${reference}: ${(error as Error).message}`),
      ...options,
    },
    () => now,
  );
  return {
    host,
    calls,
    store,
    unproved,
    tick: (ms: number) => (now += ms),
    damage: (yes: boolean) => (corrupt = yes),
    hide: (yes: boolean) => (unreadable = yes),
  };
}
