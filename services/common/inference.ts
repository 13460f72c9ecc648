// What the roles and the program that hosts them say to each other about a request. Types only.

/** Which weights answered. */
export interface ModelIdentity {
  name: string;
  version: number;
  weightsSha256: string;
  baseName: string;
  baseVersion: number;
  baseSha256: string;
  /** `float32`, `bfloat16`, `float16`. */
  precision: string;
}

/** Which base answered. */
export interface BaseIdentity {
  name: string;
  version: number;
  weightsSha256: string;
  /** `float32`, `bfloat16`, `float16`. */
  precision: string;
}

/** How urgent a request is and when it ends. */
export interface RunOptions {
  /** Higher runs first, `[-100, 100]`. */
  priority: number;
  /** Milliseconds from now after which the result is worthless. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Where an image lies on the square input of a base: it fills `innerWidth` x `innerHeight` at (`left`, `top`), pixels. */
export interface InputPlacement {
  /** Of the input along each side, pixels. */
  size: number;
  left: number;
  top: number;
  innerWidth: number;
  innerHeight: number;
}

/** Where the engine spent the time of one image, milliseconds. */
export interface RunTimings {
  queueMs: number;
  preprocessMs: number;
  /** Of the whole batch: encoder and heads. */
  inferenceMs: number;
  /** The encoder's part of it; 0 when it did not run. */
  encoderMs: number;
  postprocessMs: number;
  /** Images that shared the forward pass. */
  batchSize: number;
  /** Whether the encoder had seen the image before, and did not run. */
  embeddingCached: boolean;
}

/** A loaded model that is in use until it is released. */
export interface Lease<Model> {
  readonly model: Model;
  release(): void;
}

/** Where a service's models come from. */
export interface LeasedModels<Model> {
  /** @param reference `name`, `name@3` or `name@alias` */
  acquire(reference: string): Promise<Lease<Model>>;
}
