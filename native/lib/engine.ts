import { fromNative, typedErrors } from './errors';
import {
  loadAddon,
  type NativeAddon,
  type RawBase,
  type RawCancelToken,
  type RawEngine,
  type RawModel,
  type RawRequestOptions,
} from './native';
import type {
  BuildInfo,
  ClassSaliency,
  EncodedImage,
  EncoderPrecision,
  EngineOptions,
  EngineStats,
  EverythingOptions,
  FoundMasks,
  HalfTensor,
  ImageEmbedding,
  PromptedMasks,
  Prompts,
  Timings,
} from './types/engine';
import type { DrawnMask, Pixels } from './types/image';

export interface Segmentation {
  /** One for each structure of the model, in its order; they may overlap. */
  masks: DrawnMask[];
  timings: Timings;
}

export interface Classification {
  /** One probability per class, in the order of the model's classes; sums to 1. */
  probabilities: Float32Array;
  /** Null unless asked for. */
  saliency: ClassSaliency | null;
  timings: Timings;
}

/** What to ask of one model. */
export type Head =
  | { model: Model; task: 'segmentation'; threshold: number; probabilities?: boolean | undefined }
  | { model: Model; task: 'classification'; saliency?: SaliencyWish | undefined };

/** Asks where the evidence for a class was found. @see ClassSaliency */
export interface SaliencyWish {
  /** Default: the most probable. */
  classIndex?: number | undefined;
}

export type HeadOutput =
  | { task: 'segmentation'; masks: DrawnMask[] }
  | { task: 'classification'; probabilities: Float32Array; saliency: ClassSaliency | null };

export interface Analysis {
  /** In the order of the heads. */
  outputs: HeadOutput[];
  timings: Timings;
}

/** SAM's own parameters of its automatic mask generator, and a bound on what it may find. */
export const EVERYTHING_DEFAULTS: Readonly<EverythingOptions> = {
  pointsPerSide: 32,
  pointsPerBatch: 64,
  minPredictedIou: 0.88,
  minStability: 0.95,
  stabilityOffset: 1,
  nmsIou: 0.7,
  maxMasks: 1024,
};

export interface RequestOptions {
  /** Higher runs first; default 0. */
  priority?: number | undefined;
  /** Milliseconds from now after which the result is worthless; absent: no deadline. */
  timeoutMs?: number | undefined;
  /** Ends the work where it is: the engine looks between the blocks of an encoder and the steps of a decoder. */
  signal?: AbortSignal | undefined;
  /**
   * Content address of the image's embedding, which is then shared through the cache. It must differ wherever pixels,
   * their layout, the base's weights or the precision do. Absent: neither looked up nor kept.
   */
  embeddingKey?: string | undefined;
}

/** Versions and hardware the addon was built for and sees. */
export function buildInfo(): BuildInfo {
  return loadAddon().buildInfo();
}

/**
 * Writes the randomly initialised weights of a base.
 * @param architecture JSON text of base.json's `architecture`
 * @returns parameter count
 */
export async function initBase(architecture: string, seed: number, weightsPath: string): Promise<number> {
  return typedErrors(() => loadAddon().initBase(architecture, seed, weightsPath));
}

/** A loaded encoder with its prompt encoder and decoder; shared by every model on it. */
export class Base {
  /** @internal */
  constructor(
    readonly raw: RawBase,
    /** Of the encoder: `float32`, `bfloat16`. */
    readonly precision: string,
    readonly parameterCount: number,
  ) {}

  /** Weights of the prompt encoder and the mask decoder. */
  decoderWeights(): HalfTensor[] {
    try {
      return this.raw.decoderWeights();
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Frees the weights once the last model on it is gone and calls in flight have ended. */
  dispose(): void {
    this.raw.dispose();
  }
}

/** A loaded head. Calls in flight keep it alive; a later call fails with ILLEGAL_STATE. */
export class Model {
  /** @internal */
  constructor(
    readonly raw: RawModel,
    readonly base: Base,
    readonly parameterCount: number,
  ) {}

  dispose(): void {
    this.raw.dispose();
  }
}

/** The one queue and the LibTorch threads of a process. */
export class Engine {
  private readonly addon: NativeAddon;
  private readonly raw: RawEngine;

  constructor(options: EngineOptions) {
    this.addon = loadAddon();
    try {
      this.raw = new this.addon.Engine(options);
    } catch (error) {
      throw fromNative(error);
    }
  }

  /**
   * Loads a base; a malformed or mismatched file rejects with CheckpointError that lists every key at fault.
   * @param precision of the encoder, whose embeddings are float32 whatever it is
   * @throws DeviceError (field `precision`) where the device would emulate it
   */
  async loadBase(weightsPath: string, architecture: string, precision?: EncoderPrecision): Promise<Base> {
    const raw = await typedErrors(() => this.raw.loadBase(weightsPath, architecture, precision ?? null));
    return new Base(raw, raw.precision, raw.parameterCount);
  }

  /** @param preprocessing JSON text of `fit`, `channels`, `resize`; absent: the base's */
  async loadModel(base: Base, weightsPath: string, architecture: string, preprocessing?: string): Promise<Model> {
    const raw = await typedErrors(() => this.raw.loadModel(base.raw, weightsPath, architecture, preprocessing ?? null));
    return new Model(raw, base, raw.parameterCount);
  }

  /**
   * Runs models of one base and one preprocessing on an image after one encoder pass.
   * @throws ResourceExhaustedError (QUEUE_FULL) with `retryAfterMs`, DeadlineError, CancelledError, InvalidInputError
   */
  async analyze(heads: readonly Head[], pixels: Pixels, options: RequestOptions = {}): Promise<Analysis> {
    const { outputs, timings } = await this.request(options, (raw) =>
      this.raw.runHeads(
        heads.map((head) => ({
          model: head.model.raw,
          task: head.task,
          threshold: head.task === 'segmentation' ? head.threshold : null,
          probabilities: head.task === 'segmentation' && head.probabilities === true,
          saliency: head.task === 'classification' && head.saliency !== undefined,
          saliencyClass: (head.task === 'classification' ? head.saliency?.classIndex : undefined) ?? null,
        })),
        pixels,
        raw,
      ),
    );
    return {
      outputs: outputs.map(({ masks, probabilities, saliency }) =>
        masks === null
          ? { task: 'classification', probabilities: probabilities ?? new Float32Array(), saliency }
          : { task: 'segmentation', masks },
      ),
      timings,
    };
  }

  /**
   * Draws the masks of one image at its original size, one for each structure of the model.
   * @param threshold probability in (0, 1) above which a pixel is foreground
   * @param probabilities whether the masks come with the probability of each pixel
   * @throws as analyze()
   */
  async segment(
    model: Model,
    pixels: Pixels,
    threshold: number,
    options: RequestOptions = {},
    probabilities = false,
  ): Promise<Segmentation> {
    const head: Head = { model, task: 'segmentation', threshold, probabilities };
    const { outputs, timings } = await this.analyze([head], pixels, options);
    const [output] = outputs;
    return { masks: output?.task === 'segmentation' ? output.masks : [], timings };
  }

  /** Class probabilities of one image, and where the evidence for one of them was found. Errors as for analyze(). */
  async classify(
    model: Model,
    pixels: Pixels,
    options: RequestOptions = {},
    saliency?: SaliencyWish,
  ): Promise<Classification> {
    const { outputs, timings } = await this.analyze([{ model, task: 'classification', saliency }], pixels, options);
    const [output] = outputs;
    if (output?.task !== 'classification') return { probabilities: new Float32Array(), saliency: null, timings };
    return { probabilities: output.probabilities, saliency: output.saliency, timings };
  }

  /** Leaves the embedding of an image in the cache, under `options.embeddingKey`. Errors as for analyze(). */
  async encode(base: Base, pixels: Pixels, options: RequestOptions): Promise<EncodedImage> {
    const { width, height, timings } = await this.request(options, (raw) =>
      this.raw.encode(base.raw, pixels, raw, false),
    );
    return { width, height, timings };
  }

  /** The embedding of an image, left in the cache as encode() does. Errors as for analyze(). */
  async embed(
    base: Base,
    pixels: Pixels,
    options: RequestOptions,
  ): Promise<EncodedImage & { embedding: ImageEmbedding }> {
    const { embedding, ...encoded } = await this.request(options, (raw) =>
      this.raw.encode(base.raw, pixels, raw, true),
    );
    if (!embedding) throw new Error('the engine kept the embedding to itself');
    return { ...encoded, embedding };
  }

  /**
   * Draws what prompts point at.
   * @param pixels undefined where the embedding is to be found by its key
   * @throws NotFoundError (EMBEDDING_NOT_RESIDENT) when it is not; else as analyze()
   */
  async predictMasks(
    base: Base,
    pixels: Pixels | undefined,
    prompts: Prompts,
    options: RequestOptions = {},
  ): Promise<PromptedMasks> {
    return this.request(options, (raw) => this.raw.predictMasks(base.raw, pixels ?? null, prompts, raw));
  }

  /** Draws everything that a grid of points finds. Pixels and errors as for predictMasks(). */
  async findEverything(
    base: Base,
    pixels: Pixels | undefined,
    everything: EverythingOptions = EVERYTHING_DEFAULTS,
    options: RequestOptions = {},
  ): Promise<FoundMasks> {
    return this.request(options, (raw) => this.raw.findEverything(base.raw, pixels ?? null, everything, raw));
  }

  stats(): EngineStats {
    return this.raw.stats();
  }

  /** Gives the memory of what was disposed of back to the system; the C library would keep it for what comes next. */
  async trimMemory(): Promise<void> {
    await typedErrors(() => this.raw.trimMemory());
  }

  /** Cancels what waits, finishes what runs, joins the threads. */
  async close(): Promise<void> {
    await typedErrors(() => this.raw.close());
  }

  private async request<T>(options: RequestOptions, run: (raw: RawRequestOptions) => Promise<T>): Promise<T> {
    const { signal } = options;
    const token = signal ? new this.addon.CancelToken() : null;
    const cancel = (): void => token?.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await run(rawOptions(options, token));
    } catch (error) {
      throw fromNative(error);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }
}

function rawOptions(options: RequestOptions, cancel: RawCancelToken | null): RawRequestOptions {
  return {
    priority: options.priority ?? 0,
    timeoutMs: options.timeoutMs ?? null,
    cancel,
    embeddingKey: options.embeddingKey ?? null,
  };
}
