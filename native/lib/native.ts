// The raw surface of the addon: one file, same names and order as native/src/binding/addon.cpp. Every property is always
// present and absence is `null`, so that the C++ side never has to tell "missing" from "undefined". Nothing here is public:
// services use the classes of native/lib/index.ts and the types of native/lib/types, which turn failures into the typed errors of native/lib/errors.ts.

import { existsSync } from 'node:fs';
import { automedError } from './errors';
import { addonPath, buildAdvice } from './installation';
import type {
  BuildInfo,
  ClassSaliency,
  EncodedImage,
  HalfTensor,
  ImageEmbedding,
  EngineOptions,
  EngineStats,
  EverythingOptions,
  FoundMasks,
  PromptedMasks,
  Prompts,
  Timings,
} from './types/engine';
import type { DrawnMask, Pixels } from './types/image';
import type {
  EmbeddingStats,
  ImportReport,
  SampleResult,
  SplitName,
  StepResult,
  TrainerOptions,
} from './types/training';

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

export interface RawHead {
  model: RawModel;
  task: string;
  /** Probability in (0, 1); null for classification. */
  threshold: number | null;
  /** Whether masks come with the probability of each pixel. */
  probabilities: boolean;
  /** Whether the answer says where the evidence for a class was found. */
  saliency: boolean;
  /** Of that class; null: the most probable. */
  saliencyClass: number | null;
}

/** What one head says of an image; one of the two is null. */
export interface RawHeadOutput {
  /** One for each structure of the model, in its order; they may overlap. */
  masks: DrawnMask[] | null;
  /** One probability per class, in the order of the model's classes; sums to 1. */
  probabilities: Float32Array | null;
  /** Null unless asked for. */
  saliency: ClassSaliency | null;
}

export interface RawHeadsResult {
  /** In the order of the heads that were asked for. */
  outputs: RawHeadOutput[];
  timings: Timings;
}

export interface RawCancelToken {
  cancel(): void;
}

export interface RawBase {
  readonly device: string;
  readonly precision: string;
  readonly parameterCount: number;
  decoderWeights(): HalfTensor[];
  dispose(): void;
}

export interface RawModel {
  readonly task: string;
  readonly parameterCount: number;
  dispose(): void;
}

export interface RawEngine {
  /** architecture: the JSON text of base.json's `architecture`. precision: of the encoder; null: float32. */
  loadBase(weightsPath: string, architecture: string, precision: string | null): Promise<RawBase>;
  /**
   * architecture: the JSON text of model.json's `architecture`. preprocessing: JSON text of `fit`, `channels`, `resize`, `intensity`, `levels`; null:
   * the base's.
   */
  loadModel(base: RawBase, weightsPath: string, architecture: string, preprocessing: string | null): Promise<RawModel>;
  /** The models must stand on one base and have the same preprocessing. */
  runHeads(heads: RawHead[], pixels: Pixels, options: RawRequestOptions): Promise<RawHeadsResult>;
  encode(
    base: RawBase,
    pixels: Pixels,
    options: RawRequestOptions,
    returnEmbedding: boolean,
  ): Promise<EncodedImage & { embedding: ImageEmbedding | null }>;
  /** pixels: null where the embedding is to be found by its key; rejects with EMBEDDING_NOT_RESIDENT when it is not. */
  predictMasks(
    base: RawBase,
    pixels: Pixels | null,
    prompts: Prompts,
    options: RawRequestOptions,
  ): Promise<PromptedMasks>;
  findEverything(
    base: RawBase,
    pixels: Pixels | null,
    everything: EverythingOptions,
    options: RawRequestOptions,
  ): Promise<FoundMasks>;
  stats(): EngineStats;
  /** Gives freed memory back to the system, where the C library keeps it (glibc). */
  trimMemory(): Promise<void>;
  /** Fails what waits with CANCELLED, waits for what runs, joins the threads. */
  close(): Promise<void>;
}

/** Every property is there. */
export type RawTrainerOptions = Required<TrainerOptions>;

export interface RawTrainer {
  readonly trainableParameterCount: number;
  /**
   * masks: structure by structure one byte per pixel, foreground when not 0, same size as the image. Resolves to the
   * sample's index in its split.
   */
  addSegmentationSample(split: SplitName, pixels: Pixels, masks: Uint8Array): Promise<number>;
  addClassificationSample(split: SplitName, pixels: Pixels, label: number): Promise<number>;
  /** Learns from up to `steps` batches, ending early at the end of the epoch. */
  train(steps: number): Promise<StepResult>;
  /** Takes effect at the next step. */
  setLearningRate(learningRate: number): void;
  /** Indices of the training samples since the last optimiser step, or of the step that failed. */
  recentSamples(): Promise<number[]>;
  /** Measures batch norm's running statistics anew on up to `batches` batches; resolves to how many it took. */
  measureBatchNorm(batches: number): Promise<number>;
  /** Null when no embedding is kept. */
  embeddingStats(): Promise<EmbeddingStats | null>;
  evaluate(split: SplitName): Promise<SampleResult[]>;
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

export interface NativeAddon {
  buildInfo(): BuildInfo;
  Engine: new (options: EngineOptions) => RawEngine;
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
  ): Promise<ImportReport>;
  /** improvedSe: write the paper's squeeze-and-excitation blocks, drawn from the seed, in place of the published ones. */
  importMobileNet(sourcePath: string, improvedSe: boolean, seed: number, weightsPath: string): Promise<ImportReport>;
  importHarDNet(sourcePath: string, weightsPath: string): Promise<ImportReport>;
  /** The `architecture` of model.json for a named system of the paper on a base; `classes` counts for classification. */
  headArchitecture(system: string, baseArchitecture: string, classes: number): string;
}

/** Iterations for which a thread spins that `spinBriefly()` allows it, 0.1 to 0.3 ms: about as long as waking it takes. */
export const BRIEF_SPIN = 5_000;

/** A variable of OpenMP's runtime that says what threads do while they wait for others, and its value. */
let waiting: readonly ['OMP_WAIT_POLICY' | 'GOMP_SPINCOUNT', string] = ['OMP_WAIT_POLICY', 'passive'];

/**
 * Lets OpenMP's threads spin for a moment before they sleep; to be called before anything of the addon. For a process whose large
 * encoders are waited for: ViT-B takes a fifth less time on quiet cores, and a twentieth more beside a process that wants one of them.
 * @param iterations fewer where steps are short and neighbours likely
 */
export function spinBriefly(iterations = BRIEF_SPIN): void {
  waiting = ['GOMP_SPINCOUNT', String(iterations)];
}

/**
 * OpenMP, whose runtime comes with the addon and reads this once, lets threads that wait for others spin for milliseconds. Where
 * other programs want the cores, they spin in place of those they wait for: two threads take ten to a hundred times as long as
 * threads that sleep. `OMP_WAIT_POLICY` and `GOMP_SPINCOUNT` of the environment are kept, and nothing is left in it for other programs.
 */
function withThreadsThatSleep<T>(load: () => T): T {
  if (process.env.OMP_WAIT_POLICY !== undefined || process.env.GOMP_SPINCOUNT !== undefined) return load();
  const [name, value] = waiting;
  process.env[name] = value;
  try {
    return load();
  } finally {
    delete process.env[name];
  }
}

let addon: NativeAddon | undefined;

/** Loads the addon; the run path built into it finds LibTorch. @throws IllegalStateError where it is not built */
export function loadAddon(): NativeAddon {
  if (addon) return addon;
  const path = addonPath();
  if (!existsSync(path)) throw automedError('ILLEGAL_STATE', `The addon is not built.\n${buildAdvice()}`);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file can only be required
  addon = withThreadsThatSleep(() => require(path) as NativeAddon);
  return addon;
}
