// The raw surface of the addon: one file, same names and order as native/src/binding/addon.cpp. Every property is always
// present and absence is `null`, so that the C++ side never has to tell "missing" from "undefined". Nothing here is public:
// services use the classes of native/lib/index.ts, which turn failures into the typed errors of native/lib/errors.ts.

import { existsSync } from 'node:fs';
import { automedError } from './errors';
import { addonPath, buildAdvice } from './installation';

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
  /** What kept embeddings may take; 0 keeps none. */
  embeddingCacheBytes: number;
  /** How long an embedding is kept after its last use, in milliseconds. */
  embeddingTtlMs: number;
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
  /** Moving average of the time that the models of one image take, milliseconds. */
  imageTimeMs: number;
  cachedEmbeddings: number;
  cachedBytes: number;
  cacheHits: number;
  cacheMisses: number;
  /** Embeddings that made room for others. */
  cacheEvictions: number;
  cacheExpirations: number;
  /** In tensors on the accelerator; null on a CPU and before the first allocation. */
  deviceAllocatedBytes: number | null;
  /** What LibTorch has taken of the accelerator's memory, tensors included; null as above. */
  deviceReservedBytes: number | null;
}

export interface RawRequestOptions {
  /** Higher runs first. */
  priority: number;
  /** Milliseconds from now after which the result is worthless. */
  timeoutMs: number | null;
  cancel: RawCancelToken | null;
  /**
   * Content address of the image's embedding: it must differ wherever pixels, their layout, their preprocessing, the
   * base's weights or the precision do. Null: the embedding is neither looked up nor kept.
   */
  embeddingKey: string | null;
}

export interface RawTimings {
  queueMs: number;
  preprocessMs: number;
  inferenceMs: number;
  postprocessMs: number;
  batchSize: number;
  /** The encoder did not run for this image. */
  embeddingCached: boolean;
}

export interface RawMask {
  /** One byte per pixel, 0 or 1, height x width of the original image. */
  mask: Buffer;
  width: number;
  height: number;
  areaPx: number;
  /** x, y, width, height in pixels; null when the mask is empty. */
  boundingBox: [number, number, number, number] | null;
  /** Mean probability of the foreground pixels; null when the mask is empty. */
  meanProbability: number | null;
}

export interface RawHead {
  model: RawModel;
  task: string;
  /** Probability in (0, 1); null for classification. */
  threshold: number | null;
}

/** What one head says of an image; one of the two is null. */
export interface RawHeadOutput {
  /** One for each structure of the model, in its order; they may overlap. */
  masks: RawMask[] | null;
  /** One probability per class, in the order of the model's classes; sums to 1. */
  probabilities: Float32Array | null;
}

export interface RawHeadsResult {
  /** In the order of the heads that were asked for. */
  outputs: RawHeadOutput[];
  timings: RawTimings;
}

export interface RawEncodeResult {
  /** Of the image. */
  width: number;
  height: number;
  timings: RawTimings;
}

/** In pixels of the image; several boxes are several objects, and then there are neither points nor a mask. */
export interface RawPrompts {
  /** x, y of each point. */
  points: Float32Array | null;
  /** One for each point: 1 foreground, 0 background. */
  labels: Float32Array | null;
  /** x0, y0, x1, y1 of each box. */
  boxes: Float32Array | null;
  /** `lowRes` of an earlier prediction. */
  mask: Float32Array | null;
  /** All masks that the decoder proposes, the best first, instead of one for each object. */
  multimask: boolean;
  /** Probability in (0, 1). */
  threshold: number;
}

export interface RawPromptedMask extends RawMask {
  predictedIou: number;
  /** Index of the box; 0 without boxes. */
  object: number;
  /** Logits, lowResSide x lowResSide, on the base's input. */
  lowRes: Float32Array;
  lowResSide: number;
}

export interface RawPromptResult extends RawEncodeResult {
  masks: RawPromptedMask[];
}

export interface RawEverythingOptions {
  /** [1, 128] */
  pointsPerSide: number;
  /** Prompts that go through the decoder together, [1, 1024]. */
  pointsPerBatch: number;
  /** [0, 1] */
  minPredictedIou: number;
  /** [0, 1] */
  minStability: number;
  /** Logits, (0, 16]. */
  stabilityOffset: number;
  /** [0, 1] */
  nmsIou: number;
  /** Masks that are drawn at most, [1, 65536]; more are INVALID_ARGUMENT. */
  maxMasks: number;
}

export interface RawFoundMask extends RawMask {
  predictedIou: number;
  stability: number;
  /** x, y of the prompt. */
  point: [number, number];
}

export interface RawEverythingResult extends RawEncodeResult {
  /** The highest predicted IoU first. */
  masks: RawFoundMask[];
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
  /**
   * architecture: the JSON text of model.json's `architecture`. preprocessing: JSON text of `fit`, `channels`, `resize`; null:
   * the base's.
   */
  loadModel(base: RawBase, weightsPath: string, architecture: string, preprocessing: string | null): Promise<RawModel>;
  /** The models must stand on one base and have the same preprocessing. */
  runHeads(heads: RawHead[], pixels: RawPixels, options: RawRequestOptions): Promise<RawHeadsResult>;
  encode(base: RawBase, pixels: RawPixels, options: RawRequestOptions): Promise<RawEncodeResult>;
  /** pixels: null where the embedding is to be found by its key; rejects with EMBEDDING_NOT_RESIDENT when it is not. */
  predictMasks(
    base: RawBase,
    pixels: RawPixels | null,
    prompts: RawPrompts,
    options: RawRequestOptions,
  ): Promise<RawPromptResult>;
  findEverything(
    base: RawBase,
    pixels: RawPixels | null,
    everything: RawEverythingOptions,
    options: RawRequestOptions,
  ): Promise<RawEverythingResult>;
  stats(): RawEngineStats;
  /** Gives freed memory back to the system, where the C library keeps it (glibc). */
  trimMemory(): Promise<void>;
  /** Fails what waits with CANCELLED, waits for what runs, joins the threads. */
  close(): Promise<void>;
}

export type SplitName = 'train' | 'validation' | 'test';

/** The place of this process in a process group that trains one model together. */
export interface RawProcessGroup {
  /** From 0. */
  rank: number;
  worldSize: number;
  /** Where rank 0 listens. */
  masterAddress: string;
  masterPort: number;
  /** Until all ranks have come together. */
  rendezvousTimeoutMs: number;
  /** Until an operation of all ranks is given up. */
  collectiveTimeoutMs: number;
}

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
  /** JSON text of `fit`, `channels`, `resize`; null: the base's. */
  preprocessing: string | null;
  headWeightsPath: string | null;
  /** Weights of a model of either task whose MobileNet the run starts from; null: the head's own. */
  backboneWeightsPath: string | null;
  /** What is trained of the base's image encoder: `frozen`, `adapters`, `all`. */
  encoder: string;
  /** Masks of each sample; must be those of the head. */
  structures: number;
  /** Probability in (0, 1) above which an evaluation's pixel is foreground; absent: 0.5. */
  threshold?: number;
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
  /** Above 0: rotation is drawn from this many angles, evenly spaced in that range; 0: any angle of it. */
  rotationSteps: number;
  /** Momentum of batch norm's running statistics. */
  batchNormMomentum: number;
  /** Norm of all gradients together that a step may have; 0: any. */
  gradientClip: number;
  /** Of training: `float32`, `bf16` (DEVICE_UNAVAILABLE where the device has none), `auto`. Evaluation is float32. */
  precision: string;
  /** Share of values that dropout drops, [0, 1); null: the head's own. */
  dropout: number | null;
  /** Null: the run is this process alone. With others, batchSize is each rank's, and all ranks make the same calls. */
  processGroup: RawProcessGroup | null;
  /** File that holds the preprocessed samples, memory-mapped; deleted by close(). */
  cachePath: string;
  /**
   * File in which a frozen encoder's embeddings are kept, with `.index` beside it, up to so many bytes; a later trainer with
   * the same base goes on with it. Null: each is computed whenever it is needed.
   */
  embeddingCachePath: string | null;
  embeddingCacheBytes: number;
  /** sha256 of the base's weights. */
  baseSha256: string;
}

export interface RawEmbeddingStats {
  /** Embeddings that the budget holds. */
  capacity: number;
  kept: number;
  /** Embeddings found and not found since the trainer was made. */
  hits: number;
  misses: number;
  /** Why nothing more is kept although there is room, e.g. a full disk. */
  problem: string | null;
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
  /** Indices of the training samples since the last optimiser step, or of the step that failed. */
  recentSamples(): Promise<number[]>;
  /** Measures batch norm's running statistics anew on up to `batches` batches; resolves to how many it took. */
  measureBatchNorm(batches: number): Promise<number>;
  /** Null when no embedding is kept. */
  embeddingStats(): Promise<RawEmbeddingStats | null>;
  evaluate(split: SplitName): Promise<RawSampleResult[]>;
  /** Masks (0 or 1, original size), structure by structure, that the model draws now on one sample. */
  predictMasks(split: SplitName, index: number): Promise<Buffer>;
  saveCheckpoint(path: string): Promise<void>;
  loadCheckpoint(path: string): Promise<void>;
  /** Writes what was trained of the head, and the whole base; null: not that one. */
  exportWeights(headPath: string | null, basePath: string | null): Promise<void>;
  /** Waits until every rank has called it; from then on the trainer works alone. */
  leaveProcessGroup(): Promise<void>;
  close(): Promise<void>;
}

/** What an import of published weights kept and what it did to it. */
export interface RawImportReport {
  /** Of the file: `PyTorch zip`, `PyTorch legacy`, `safetensors`. */
  format: string;
  /** That stood before the names and was dropped, e.g. `module.`; else empty. */
  prefix: string;
  /** Number of tensors written. */
  tensors: number;
  /** Elements of the parameters among them. */
  parameters: number;
  /** Size of the tensors written. */
  bytes: number;
  /** Position tables that were interpolated, with their shapes. */
  converted: { name: string; from: number[]; to: number[] }[];
  /** Entries of the file that were not wanted, e.g. `optimizer`. */
  leftOut: string[];
  /** Tensors that the file lacks by design and that were written at random. */
  untrained: string[];
}

export interface RawBuildInfo {
  libtorch: string;
  cudaCompiled: boolean;
  /** Whether training can run over several processes. */
  collectivesCompiled: boolean;
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
  /**
   * resizePositions: interpolate position tables of another image size; otherwise they are an error. adapterSeed: draw the
   * adapters, which the file then must not have.
   */
  importBase(
    sourcePath: string,
    architecture: string,
    resizePositions: boolean,
    adapterSeed: number | null,
    weightsPath: string,
  ): Promise<RawImportReport>;
  /** improvedSe: write the paper's squeeze-and-excitation blocks, drawn from the seed, in place of the published ones. */
  importMobileNet(sourcePath: string, improvedSe: boolean, seed: number, weightsPath: string): Promise<RawImportReport>;
  importHarDNet(sourcePath: string, weightsPath: string): Promise<RawImportReport>;
  /** The `architecture` of model.json for a named system of the paper on a base; `classes` counts for classification. */
  headArchitecture(system: string, baseArchitecture: string, classes: number): string;
}

/** Loads the addon; the run path built into it finds LibTorch. @throws IllegalStateError where it is not built */
export function loadAddon(): NativeAddon {
  const path = addonPath();
  if (!existsSync(path)) throw automedError('ILLEGAL_STATE', `The addon is not built.\n${buildAdvice()}`);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file can only be required
  return require(path) as NativeAddon;
}
