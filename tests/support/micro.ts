// The smallest base and heads that the architecture allows, of random weights: 64 px, two blocks. For tests of the addon
// itself, where what is computed matters less than what happens around it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Engine,
  initBase,
  Trainer,
  type Base,
  type EngineOptions,
  type Model,
  type Pixels,
  type TrainerOptions,
} from '../../native/lib';
import type { BaseArchitecture } from '../../services/store';

export const MICRO_ARCHITECTURE: BaseArchitecture = {
  image_size: 64,
  patch_size: 16,
  embed_dim: 32,
  depth: 2,
  heads: 2,
  window_size: 3,
  global_blocks: [1],
  out_channels: 16,
  adapter: true,
  fit: 'pad-or-stretch',
  decoder: { depth: 2, heads: 2, mlp_dim: 32, iou_hidden: 16, multimask_outputs: 3 },
};
export const MICRO_BASE = JSON.stringify(MICRO_ARCHITECTURE);
const mobilenet = { width: 0.25, se: 'improved' };
export const MICRO_SEGMENTATION = JSON.stringify({ kind: 'sam-automed', mobilenet });
export const MICRO_AUTOSAM = JSON.stringify({
  kind: 'autosam',
  hardnet: { width: 0.1, block_layers: 4, input_size: 64 },
});
export const MICRO_CLASSIFICATION = JSON.stringify({ kind: 'sam-medcls', mobilenet, attention: true, classes: 3 });

export interface MicroFiles {
  folder: string;
  base: string;
  segmentation: string;
  classification: string;
  remove(): void;
}

export function trainerOptions(
  files: { folder: string; base: string },
  changes: Partial<TrainerOptions> = {},
): TrainerOptions {
  return {
    device: 'cpu',
    threads: 1,
    task: 'segmentation',
    baseArchitecture: MICRO_BASE,
    baseWeightsPath: files.base,
    headArchitecture: MICRO_SEGMENTATION,
    headWeightsPath: null,
    backboneWeightsPath: null,
    train: 'head',
    structures: 1,
    seed: 1,
    optimizer: 'adam',
    learningRate: 1e-3,
    weightDecay: 0,
    batchSize: 2,
    accumulationSteps: 1,
    horizontalFlip: false,
    verticalFlip: false,
    rotationDegrees: 0,
    rotationSteps: 0,
    batchNormMomentum: 0.1,
    gradientClip: 0,
    precision: 'float32',
    dropout: null,
    processGroup: null,
    cachePath: join(files.folder, `cache-${Math.random().toString(36).slice(2)}`),
    embeddingCachePath: null,
    embeddingCacheBytes: 0,
    baseSha256: '',
    ...changes,
  };
}

/** Writes the weights of one base and of a head of each task into a temporary folder. */
export async function makeMicroFiles(): Promise<MicroFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'automed-micro-'));
  const files = {
    folder,
    base: join(folder, 'base.safetensors'),
    segmentation: join(folder, 'segmentation.safetensors'),
    classification: join(folder, 'classification.safetensors'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  await initBase(MICRO_BASE, 1, files.base);
  const segmentation = await Trainer.create(trainerOptions(files));
  await segmentation.exportWeights(files.segmentation, null);
  await segmentation.close();
  const classification = await Trainer.create(
    trainerOptions(files, { task: 'classification', headArchitecture: MICRO_CLASSIFICATION }),
  );
  await classification.exportWeights(files.classification, null);
  await classification.close();
  return files;
}

export interface MicroEngine {
  engine: Engine;
  base: Base;
  segmentation: Model;
  classification: Model;
}

export async function makeMicroEngine(files: MicroFiles, options: Partial<EngineOptions> = {}): Promise<MicroEngine> {
  const engine = new Engine({
    device: 'cpu',
    workers: 1,
    threadsPerWorker: 1,
    queueCapacity: 64,
    maxBatch: 1,
    maxBatchWaitMs: 0,
    embeddingCacheBytes: 1 << 20,
    embeddingTtlMs: 60_000,
    ...options,
  });
  const base = await engine.loadBase(files.base, MICRO_BASE);
  return {
    engine,
    base,
    segmentation: await engine.loadModel(base, files.segmentation, MICRO_SEGMENTATION),
    classification: await engine.loadModel(base, files.classification, MICRO_CLASSIFICATION),
  };
}

/** RGB noise with a seed: the same seed, the same pixels. */
export function noise(width: number, height: number, seed = 1): Pixels {
  const data = new Uint8Array(width * height * 3);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { data, width, height, channels: 3, sampleType: 'uint8' };
}
