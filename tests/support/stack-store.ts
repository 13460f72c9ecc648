// A store with a tiny base and heads on it, all of random weights: what serving needs, without training.

import { join } from 'node:path';
import { initBase, Trainer } from '../../native/lib';
import {
  baseArchitecture,
  ModelStore,
  standardPreprocessing,
  WEIGHTS_FILE,
  type BaseArchitecture,
  type HeadArchitecture,
  type ModelDraft,
  type StoredBase,
  type StoredModel,
  type Task,
} from '../../services/store';
import { baseDraft } from './data';
import { classificationHead, segmentationHead } from './heads';

export const CLASSES = ['glioma', 'meningioma', 'none'];

export interface TestStore {
  store: ModelStore;
  base: StoredBase;
  /** @param structures what the masks show; default: polyp */
  addSegmentation(name: string, seed?: number, structures?: string[]): Promise<StoredModel>;
  addClassification(name: string, seed?: number): Promise<StoredModel>;
}

/**
 * Opens a store in `root` and gives it a base named as its architecture; models are added by name.
 * @param given an architecture without a name of its own
 */
export async function makeStore(root: string, arch = 'tiny', given?: BaseArchitecture): Promise<TestStore> {
  const store = await ModelStore.open(root);
  const draft = baseDraft(arch, given ? { family: 'sam-med2d', architecture: given } : baseArchitecture(arch));
  const base = await store.registerBase(draft, async (folder) => {
    await initBase(JSON.stringify(draft.architecture), 1, join(folder, WEIGHTS_FILE));
  });
  const { architecture } = base.manifest;
  return {
    store,
    base,
    addSegmentation: (name, seed = 2, structures = ['polyp']) => {
      const count = structures.length > 1 ? { structures: structures.length } : {};
      const head = { ...segmentationHead(architecture), ...count } as HeadArchitecture;
      return register(store, base, head, seed, {
        ...common(name, base),
        task: 'segmentation',
        architecture: head,
        structures,
        threshold: 0.5,
      });
    },
    addClassification: (name, seed = 3) =>
      register(store, base, classificationHead(architecture, CLASSES.length), seed, {
        ...common(name, base),
        task: 'classification',
        architecture: classificationHead(architecture, CLASSES.length),
        classes: CLASSES,
      }),
  };
}

function common(name: string, base: StoredBase) {
  const { name: baseName, version, weights, architecture } = base.manifest;
  return {
    name,
    base: { name: baseName, version, sha256: weights.sha256 },
    preprocessing: standardPreprocessing(architecture),
    training: {},
    metrics: { mdsc: 0.5, curve: [1, 2], validation: { mdsc: 0.25, classes: [{ f1: 1 }] } },
    dataset: { fingerprint: 'none' },
    codeVersion: 'test',
    licence: 'none',
  };
}

async function register(
  store: ModelStore,
  base: StoredBase,
  head: HeadArchitecture,
  seed: number,
  draft: ModelDraft,
): Promise<StoredModel> {
  return store.registerModel(draft, async (folder) => {
    const trainer = await Trainer.create({
      ...UNUSED,
      task: draft.task satisfies Task,
      baseArchitecture: JSON.stringify(base.manifest.architecture),
      baseWeightsPath: base.weightsPath,
      headArchitecture: JSON.stringify(head),
      seed,
      structures: draft.task === 'segmentation' ? draft.structures.length : 1,
      cachePath: join(folder, 'cache'),
    });
    await trainer.exportWeights(join(folder, WEIGHTS_FILE), null);
    await trainer.close();
  });
}

/** What a trainer that takes no step does not look at. */
const UNUSED = {
  device: 'cpu',
  threads: 1,
  headWeightsPath: null,
  backboneWeightsPath: null,
  train: 'head',
  accumulationSteps: 1,
  optimizer: 'adam',
  learningRate: 1e-3,
  weightDecay: 0,
  batchSize: 2,
  horizontalFlip: false,
  verticalFlip: false,
  rotationDegrees: 0,
  rotationSteps: 0,
  batchNormMomentum: 0.1,
  gradientClip: 0,
  precision: 'float32',
  embeddingCachePath: null,
  embeddingCacheBytes: 0,
  baseSha256: '',
  dropout: null,
  processGroup: null,
} as const;
