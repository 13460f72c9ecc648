import { fromNative, typedErrors } from './errors';
import {
  loadAddon,
  type NativeAddon,
  type RawBase,
  type RawBuildInfo,
  type RawCancelToken,
  type RawClassification,
  type RawEngine,
  type RawEngineOptions,
  type RawEngineStats,
  type RawModel,
  type RawPixels,
  type RawSegmentation,
} from './native';

export type EngineOptions = RawEngineOptions;
export type EngineStats = RawEngineStats;
export type Segmentation = RawSegmentation;
export type Classification = RawClassification;
export type BuildInfo = RawBuildInfo;

export interface RequestOptions {
  /** Higher runs first; default 0. */
  priority?: number | undefined;
  /** Milliseconds from now after which the result is worthless; absent: no deadline. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
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
    /** `float32`. */
    readonly precision: string,
    readonly parameterCount: number,
  ) {}

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

  /** Loads a base; a malformed or mismatched file rejects with CheckpointError that lists every key at fault. */
  async loadBase(weightsPath: string, architecture: string): Promise<Base> {
    const raw = await typedErrors(() => this.raw.loadBase(weightsPath, architecture));
    return new Base(raw, raw.precision, raw.parameterCount);
  }

  async loadModel(base: Base, weightsPath: string, architecture: string): Promise<Model> {
    const raw = await typedErrors(() => this.raw.loadModel(base.raw, weightsPath, architecture));
    return new Model(raw, base, raw.parameterCount);
  }

  /**
   * Draws the mask of one image at its original size.
   * @param threshold probability in (0, 1) above which a pixel is foreground
   * @throws ResourceExhaustedError (QUEUE_FULL) with `retryAfterMs`, DeadlineError, CancelledError, InvalidInputError
   */
  async segment(
    model: Model,
    pixels: RawPixels,
    threshold: number,
    options: RequestOptions = {},
  ): Promise<Segmentation> {
    return this.request(options, (cancel) =>
      this.raw.segment(model.raw, pixels, threshold, { ...rawOptions(options), cancel }),
    );
  }

  /** Class probabilities of one image. Errors as for segment(). */
  async classify(model: Model, pixels: RawPixels, options: RequestOptions = {}): Promise<Classification> {
    return this.request(options, (cancel) => this.raw.classify(model.raw, pixels, { ...rawOptions(options), cancel }));
  }

  stats(): EngineStats {
    return this.raw.stats();
  }

  /** Cancels what waits, finishes what runs, joins the threads. */
  async close(): Promise<void> {
    await typedErrors(() => this.raw.close());
  }

  private async request<T>(options: RequestOptions, run: (cancel: RawCancelToken | null) => Promise<T>): Promise<T> {
    const { signal } = options;
    const token = signal ? new this.addon.CancelToken() : null;
    const cancel = (): void => token?.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await run(token);
    } catch (error) {
      throw fromNative(error);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }
}

function rawOptions(options: RequestOptions): { priority: number; timeoutMs: number | null } {
  return { priority: options.priority ?? 0, timeoutMs: options.timeoutMs ?? null };
}
