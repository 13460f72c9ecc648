import type { EncoderWeights } from './engine';

/** Part of the data that a sample belongs to. */
export type SplitName = 'train' | 'validation' | 'test';

/** The place of this process in a process group that trains one model together. */
export interface ProcessGroup {
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

export interface TrainerOptions {
  /** `cpu`, `cuda`, `cuda:N`, or `auto`. */
  device: string;
  /** LibTorch's, at least 1. */
  threads: number;
  task: 'segmentation' | 'classification';
  /** JSON text of base.json's `architecture`, and its weights. */
  baseArchitecture: string;
  baseWeightsPath: string;
  /**
   * JSON text of model.json's `architecture`, or null to train the base itself to follow prompts; initial weights of the
   * head, or null for random ones.
   */
  headArchitecture: string | null;
  /** JSON text of `fit`, `channels`, `resize`, `intensity`, `levels`; absent or null: the base's. */
  preprocessing?: string | null;
  headWeightsPath: string | null;
  /** Weights of a model of either task whose MobileNet the run starts from; null: the head's own. */
  backboneWeightsPath: string | null;
  /** The head alone, with it the adapters of the base's image encoder, or all of the encoder. */
  train: 'head' | 'adapters' | 'encoder';
  /** Of a frozen encoder on a CPU; `measured` may round otherwise in a run that is resumed. Default: `packed`. */
  encoderWeights?: EncoderWeights;
  /** Masks of each sample; must be those of the head. */
  structures: number;
  /** Probability in (0, 1) above which an evaluation's pixel is foreground; absent or null: 0.5. */
  threshold?: number | null;
  seed: number;
  optimizer: 'adam' | 'adamw';
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
  processGroup: ProcessGroup | null;
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

export interface EmbeddingStats {
  /** Embeddings that the budget holds. */
  capacity: number;
  kept: number;
  /** Embeddings found and not found since the trainer was made. */
  hits: number;
  misses: number;
  /** Why nothing more is kept although there is room, e.g. a full disk. */
  problem: string | null;
}

export interface StepResult {
  /** Batches since the last call. */
  steps: number;
  images: number;
  /** Mean over the steps. */
  loss: number;
  /** True when the epoch has no further batch; the next call starts the next epoch. */
  epochDone: boolean;
  /** Seconds that these steps waited for their samples to be read and augmented, which happens beside the steps before. */
  waitSeconds: number;
}

export interface Overlap {
  dice: number;
  iou: number;
}

export interface SampleResult {
  index: number;
  loss: number;
  /** Segmentation, at the original size: one for each structure; null for classification. */
  structures: Overlap[] | null;
  /** The same from one point as prompt instead of the true box; null unless the base itself is trained. */
  point: Overlap[] | null;
  /** Classification; null for segmentation. */
  probabilities: Float32Array | null;
  label: number | null;
}

/** What an import of published weights kept and what it did to it. */
export interface ImportReport {
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
