// The raw surface of the addon: one file, same names and order as native/src/binding/addon.cpp. Every property is always
// present and absence is `null`, so that the C++ side never has to tell "missing" from "undefined". Nothing here is public:
// services use the classes of native/lib/index.ts, which turn failures into the typed errors of native/lib/errors.ts.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Element type of raw pixels. Multi-byte samples are little endian. */
export type SampleType = 'uint8' | 'uint16' | 'float32';

/** Interleaved pixels: height x width x channels, rows from the top, no row padding. */
export interface RawPixels {
  data: Uint8Array;
  width: number;
  height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. Alpha is dropped, grey is repeated. */
  channels: number;
  /** uint16 is scaled by 1/257, float32 is on the 0-255 scale and must be finite. */
  sampleType: SampleType;
}

export interface RawEngineOptions {
  /** `cpu`, `cuda`, `cuda:N`, or `auto`. */
  device: string;
  /** Long-lived threads that run LibTorch. */
  workers: number;
  /** Intra-op threads of each worker. */
  threadsPerWorker: number;
  /** Images that may wait; beyond it requests are refused. */
  queueCapacity: number;
  /** Images per forward pass at most. */
  maxBatch: number;
  /** How long an incomplete batch waits for company, in milliseconds. */
  maxBatchWaitMs: number;
}

export interface RawEngineStats {
  queuedImages: number;
  runningImages: number;
  completedRequests: number;
  refusedRequests: number;
  cancelledRequests: number;
  expiredRequests: number;
  failedRequests: number;
  batches: number;
  batchedImages: number;
  /** Encoder forward passes, counted in images. */
  encodedImages: number;
  /** Moving average of the time one image takes, milliseconds. */
  imageTimeMs: number;
}

export interface RawRequestOptions {
  /** Higher runs first. */
  priority: number;
  /** Milliseconds from now after which the result is worthless. */
  timeoutMs: number | null;
  cancel: RawCancelToken | null;
}

export interface RawTimings {
  queueMs: number;
  preprocessMs: number;
  inferenceMs: number;
  postprocessMs: number;
  batchSize: number;
}

export interface RawSegmentation {
  /** One byte per pixel, 0 or 1, height x width of the original image. */
  mask: Buffer;
  width: number;
  height: number;
  areaPx: number;
  /** x, y, width, height in pixels; null when the mask is empty. */
  boundingBox: [number, number, number, number] | null;
  /** Mean probability of the foreground pixels; null when the mask is empty. */
  meanProbability: number | null;
  timings: RawTimings;
}

export interface RawClassification {
  /** One probability per class, in the order of the model's classes; sums to 1. */
  probabilities: Float32Array;
  timings: RawTimings;
}

export interface RawCancelToken {
  cancel(): void;
}

export interface RawBase {
  readonly device: string;
  readonly precision: string;
  readonly parameterCount: number;
  dispose(): void;
}

export interface RawModel {
  readonly task: string;
  readonly parameterCount: number;
  dispose(): void;
}

export interface RawEngine {
  /** architecture: the JSON text of base.json's `architecture`. */
  loadBase(weightsPath: string, architecture: string): Promise<RawBase>;
  /** architecture: the JSON text of model.json's `architecture`. */
  loadModel(base: RawBase, weightsPath: string, architecture: string): Promise<RawModel>;
  /** threshold: probability in (0, 1). */
  segment(model: RawModel, pixels: RawPixels, threshold: number, options: RawRequestOptions): Promise<RawSegmentation>;
  classify(model: RawModel, pixels: RawPixels, options: RawRequestOptions): Promise<RawClassification>;
  stats(): RawEngineStats;
  /** Fails what waits with CANCELLED, waits for what runs, joins the threads. */
  close(): Promise<void>;
}

export type SplitName = 'train' | 'validation' | 'test';

export interface RawTrainerOptions {
  device: string;
  threads: number;
  task: string;
  /** JSON text of base.json's `architecture`, and its weights. */
  baseArchitecture: string;
  baseWeightsPath: string;
  /**
   * JSON text of model.json's `architecture`, or null to train the base itself to follow prompts; initial weights of the
   * head, or null for random ones.
   */
  headArchitecture: string | null;
  headWeightsPath: string | null;
  /** Weights of a model of either task whose MobileNet the run starts from; null: the head's own. */
  backboneWeightsPath: string | null;
  /** What is trained of the base's image encoder: `frozen`, `adapters`, `all`. */
  encoder: string;
  /** Masks of each sample; must be those of the head. */
  structures: number;
  seed: number;
  optimizer: string;
  learningRate: number;
  weightDecay: number;
  batchSize: number;
  /** Batches whose gradients make one optimiser step. */
  accumulationSteps: number;
  horizontalFlip: boolean;
  verticalFlip: boolean;
  /** Rotation is drawn from (-degrees, degrees); 0 turns it off. */
  rotationDegrees: number;
  /** Momentum of batch norm's running statistics. */
  batchNormMomentum: number;
  /** File that holds the preprocessed samples, memory-mapped; deleted by close(). */
  cachePath: string;
}

export interface RawStepResult {
  /** Batches since the last call. */
  steps: number;
  images: number;
  /** Mean over the steps. */
  loss: number;
  /** True when the epoch has no further batch; the next call starts the next epoch. */
  epochDone: boolean;
}

export interface RawOverlap {
  dice: number;
  iou: number;
}

export interface RawSampleResult {
  index: number;
  loss: number;
  /** Segmentation, at the original size: one for each structure; null for classification. */
  structures: RawOverlap[] | null;
  /** The same from one point as prompt instead of the true box; null unless the base itself is trained. */
  point: RawOverlap[] | null;
  /** Classification; null for segmentation. */
  probabilities: Float32Array | null;
  label: number | null;
}

export interface RawTrainer {
  readonly trainableParameterCount: number;
  /**
   * masks: structure by structure one byte per pixel, foreground when not 0, same size as the image. Resolves to the
   * sample's index in its split.
   */
  addSegmentationSample(split: SplitName, pixels: RawPixels, masks: Uint8Array): Promise<number>;
  addClassificationSample(split: SplitName, pixels: RawPixels, label: number): Promise<number>;
  /** Learns from up to `steps` batches, ending early at the end of the epoch. */
  train(steps: number): Promise<RawStepResult>;
  /** Takes effect at the next step. */
  setLearningRate(learningRate: number): void;
  evaluate(split: SplitName): Promise<RawSampleResult[]>;
  /** Masks (0 or 1, original size), structure by structure, that the model draws now on one sample. */
  predictMasks(split: SplitName, index: number): Promise<Buffer>;
  saveCheckpoint(path: string): Promise<void>;
  loadCheckpoint(path: string): Promise<void>;
  /** Writes what was trained of the head, and the whole base; null: not that one. */
  exportWeights(headPath: string | null, basePath: string | null): Promise<void>;
  close(): Promise<void>;
}

export interface RawBuildInfo {
  libtorch: string;
  cudaCompiled: boolean;
  cudaAvailable: boolean;
  hardwareThreads: number;
}

export interface NativeAddon {
  buildInfo(): RawBuildInfo;
  Engine: new (options: RawEngineOptions) => RawEngine;
  CancelToken: new () => RawCancelToken;
  Trainer: { create(options: RawTrainerOptions): Promise<RawTrainer> };
  /** Writes the randomly initialised weights of a base; same seed, same bytes. Resolves to its parameter count. */
  initBase(architecture: string, seed: number, weightsPath: string): Promise<number>;
  /** The `architecture` of model.json for a named system of the paper on a base; `classes` counts for classification. */
  headArchitecture(system: string, baseArchitecture: string, classes: number): string;
}

/** The repository root, from native/lib as well as from its compiled copy under dist/. */
function repositoryRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'native', 'CMakeLists.txt'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('automed: native/CMakeLists.txt not found above this file');
    folder = parent;
  }
  return folder;
}

/** Loads the addon; the run path built into it finds LibTorch. */
export function loadAddon(): NativeAddon {
  const path = join(repositoryRoot(), 'build', 'Release', 'automed.node');
  if (!existsSync(path)) throw new Error(`automed: ${path} is missing; run 'npm run build'`);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file can only be required
  return require(path) as NativeAddon;
}
