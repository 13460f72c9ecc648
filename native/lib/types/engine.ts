import type { DrawnMask } from './image';

export interface EngineOptions {
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
  /**
   * Encoder on a CPU: `packed` for oneDNN's kernels (default; the same in every process), `plain`, or `measured`: whichever was
   * faster for each shape when the base was loaded, so that replicas may differ in the last bits.
   */
  encoderWeights?: EncoderWeights;
}

/** Of an encoder; reduced only where the hardware computes in it. */
export type EncoderPrecision = 'float32' | 'bfloat16';

export type EncoderWeights = 'packed' | 'plain' | 'measured';

export interface EngineStats {
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
  /** Time of the workers, all together. */
  computeSeconds: number;
  /** Of it, on images whose caller left before the answer: what was done while it waited. */
  wastedBeforeSeconds: number;
  /** And what was done after it had left: at most one step of each, a block of the encoder being the longest. */
  wastedAfterSeconds: number;
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

export interface Timings {
  queueMs: number;
  preprocessMs: number;
  /** Of the whole batch: encoder and heads. */
  inferenceMs: number;
  /** The encoder's part of it; 0 when it did not run. */
  encoderMs: number;
  postprocessMs: number;
  batchSize: number;
  /** The encoder did not run for this image. */
  embeddingCached: boolean;
}

export interface EncodedImage {
  /** Of the image. */
  width: number;
  height: number;
  timings: Timings;
}

/** Weights under their published name. */
export interface HalfTensor {
  name: string;
  shape: number[];
  /** float16, little endian, row-major. */
  data: Uint8Array;
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

/** Where the evidence for a class was found. */
export interface ClassSaliency {
  classIndex: number;
  /**
   * `rows` x `columns` over the square input: how much the log-odds of the class fall when the place is left out of the average
   * pooling. Negative where it speaks against the class.
   */
  map: Float32Array;
  rows: number;
  columns: number;
  placement: InputPlacement;
}

/** What an encoder made of an image. */
export interface ImageEmbedding {
  /** float16, little endian, `channels` x `side` x `side`. */
  features: Uint8Array;
  channels: number;
  side: number;
  placement: InputPlacement;
}

/** In pixels of the image; several boxes are several objects, and then there are neither points nor a mask. */
export interface Prompts {
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

export interface PromptedMask extends DrawnMask {
  predictedIou: number;
  /** Index of the box; 0 without boxes. */
  object: number;
  /** Logits, lowResSide x lowResSide, on the base's input. */
  lowRes: Float32Array;
  lowResSide: number;
}

export interface PromptedMasks extends EncodedImage {
  masks: PromptedMask[];
}

export interface EverythingOptions {
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

export interface FoundMask extends DrawnMask {
  predictedIou: number;
  stability: number;
  /** x, y of the prompt. */
  point: [number, number];
}

export interface FoundMasks extends EncodedImage {
  /** The highest predicted IoU first. */
  masks: FoundMask[];
}

export interface BuildInfo {
  libtorch: string;
  cudaCompiled: boolean;
  /** Whether training can run over several processes. */
  collectivesCompiled: boolean;
  cudaAvailable: boolean;
  /** Whether the CPU has bfloat16 arithmetic; elsewhere it would be emulated. */
  cpuComputesInBfloat16: boolean;
  hardwareThreads: number;
}
