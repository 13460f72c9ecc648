import type { BaseIdentity, InputPlacement, Lease, RunOptions, RunTimings } from '../../common/inference';
import type { Pixels } from '../../imaging/pixels/pixels';
import type { DrawnMask } from './ports';

/** The image of a request: its pixels, or the id of an embedding that the base may still hold. */
export type ImageSource = { pixels: Pixels } | { embeddingId: string };

/** In pixels of the image. Several boxes are several objects, and then there are neither points nor a mask. */
export interface Prompts {
  points: readonly { x: number; y: number; foreground: boolean }[];
  boxes: readonly { x0: number; y0: number; x1: number; y1: number }[];
  /** Square logits of an earlier prediction. */
  mask: Float32Array | undefined;
  /** Every mask that the decoder proposes, instead of one for each object. */
  multimask: boolean;
}

/** Undefined: the base's default. */
export interface EverythingParameters {
  pointsPerSide: number | undefined;
  minPredictedIou: number | undefined;
  minStability: number | undefined;
  stabilityOffset: number | undefined;
  nmsIou: number | undefined;
}

/** What a base knows of an image after a call. */
export interface SeenImage {
  embeddingId: string;
  width: number;
  height: number;
  timings: RunTimings;
}

/** What an encoder made of an image, and where the image lies on its square input. */
export interface ImageEmbedding {
  /** float16, little endian, `channels` x `side` x `side`. */
  features: Uint8Array;
  channels: number;
  side: number;
  placement: InputPlacement;
}

/** Weights of a base's prompt encoder and mask decoder, and how they belong together. */
export interface MaskDecoderWeights {
  identity: BaseIdentity;
  /** float16, little endian, under the published names. */
  tensors: { name: string; shape: number[]; data: Uint8Array }[];
  imageSize: number;
  side: number;
  heads: number;
  layers: number;
  multimaskOutputs: number;
  /** Whether the mask of an object is the best of several. */
  bestOfMultimask: boolean;
}

export interface PromptedMask extends DrawnMask {
  predictedIou: number;
  /** Index of the object's box. */
  object: number;
  /** Logits, `lowResSide` squared. */
  lowRes: Float32Array;
  lowResSide: number;
}

export interface FoundMask extends DrawnMask {
  predictedIou: number;
  stability: number;
  /** x, y of the point that found it. */
  point: readonly [number, number];
}

/** A loaded base that answers prompts. */
export interface InteractiveBase {
  readonly identity: BaseIdentity;
  /** How long an embedding is kept after its last use, milliseconds. */
  readonly embeddingTtlMs: number;
  /** Masks that the decoder proposes for one object. */
  readonly multimaskOutputs: number;
  /** Its mask decoder, for clients that draw masks themselves. */
  decoder(): MaskDecoderWeights;
  /** Extents of the image behind an embedding's id; undefined when this process has not seen it, or long ago. */
  sizeOf(embeddingId: string): { width: number; height: number } | undefined;
  /** @param returned whether the embedding itself is answered */
  encode(pixels: Pixels, options: RunOptions, returned: boolean): Promise<SeenImage & { embedding?: ImageEmbedding }>;
  /** @throws NotFoundError (EMBEDDING_NOT_RESIDENT) */
  predict(
    source: ImageSource,
    prompts: Prompts,
    threshold: number,
    options: RunOptions,
  ): Promise<SeenImage & { masks: readonly PromptedMask[] }>;
  /**
   * @param maxMasks masks that are drawn at most
   * @throws NotFoundError (EMBEDDING_NOT_RESIDENT); InvalidInputError when more are found
   */
  everything(
    source: ImageSource,
    parameters: EverythingParameters,
    maxMasks: number,
    options: RunOptions,
  ): Promise<SeenImage & { masks: readonly FoundMask[] }>;
}

/** Where bases come from. */
export interface InteractiveBases {
  /**
   * Side of the square logits that a base takes as a prompt, known without loading it.
   * @param reference as of acquire()
   */
  logitsSide(reference: string): Promise<number>;
  /**
   * @param reference of a base, or of a segmentation model whose base is meant
   * @param caller for whom: embeddings of images that others sent are not there; empty where callers are not told apart
   */
  acquire(reference: string, caller: string): Promise<Lease<InteractiveBase>>;
}
