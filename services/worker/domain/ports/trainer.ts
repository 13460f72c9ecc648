import type { SampleOutcome } from '../../../scoring/results/evaluation';
import type { Pixels } from '../../../imaging/pixels/pixels';
import type { HeadArchitecture, InputRule, Task } from '../../../store';
import type { TrainedPart } from '../../protocol/protocol';
import type { Part } from '../../../datasets/files/part-names';
import type { RankEnvironment } from '../../launch/rank-environment';
import type { Recipe } from '../../protocol/recipes';

export interface StepOutcome {
  images: number;
  loss: number;
  epochDone: boolean;
  /** Seconds that the steps waited for their samples. */
  waitSeconds: number;
}

export interface EmbeddingStats {
  /** Embeddings that the budget holds. */
  capacity: number;
  kept: number;
  hits: number;
  misses: number;
  /** Why nothing more is kept although there is room. */
  problem: string | null;
}

/** What a run needs of the native trainer. */
export interface TrainerPort {
  readonly trainableParameterCount: number;
  /** @param masks structure by structure one byte per pixel */
  addSegmentationSample(part: Part, pixels: Pixels, masks: Uint8Array): Promise<number>;
  addClassificationSample(part: Part, pixels: Pixels, label: number): Promise<number>;
  /** Rejects with ILLEGAL_STATE and the field `loss` or `gradient` when that is not finite. */
  train(steps: number): Promise<StepOutcome>;
  /** Training samples since the last optimiser step, or of the one that failed. */
  recentSamples(): Promise<number[]>;
  /** Measures batch norm's statistics anew, with the weights as they are. */
  measureBatchNorm(batches: number): Promise<number>;
  /** Null when no embedding is kept. */
  embeddingStats(): Promise<EmbeddingStats | null>;
  setLearningRate(learningRate: number): void;
  evaluate(part: Part): Promise<SampleOutcome[]>;
  /** Structure by structure one byte per pixel. */
  predictMasks(part: Part, index: number): Promise<Uint8Array>;
  saveCheckpoint(path: string): Promise<void>;
  loadCheckpoint(path: string): Promise<void>;
  exportWeights(headPath: string | null, basePath: string | null): Promise<void>;
  /** Waits until every rank has called it; from then on the trainer works alone. */
  leaveProcessGroup(): Promise<void>;
  close(): Promise<void>;
}

export interface TrainerSettings {
  task: Task;
  device: string;
  threads: number;
  baseArchitecture: object;
  baseWeightsPath: string;
  /** Null: the base itself is trained. */
  headArchitecture: object | null;
  /** How images are prepared; null: as the base says. */
  preprocessing: InputRule | null;
  headWeightsPath: string | null;
  /** Of a model of either task: the run starts from its MobileNet. */
  backboneWeightsPath: string | null;
  train: TrainedPart;
  /** Masks of each sample. */
  structures: number;
  /** Probability above which a pixel of an evaluation is foreground; default: 0.5. */
  threshold?: number;
  seed: number;
  recipe: Recipe;
  /** Null: the run is this process alone. */
  processGroup: RankEnvironment | null;
  cachePath: string;
  /** Absent: each embedding is computed whenever it is needed. */
  embeddings?: EmbeddingCache;
}

/** Where a frozen encoder's embeddings are kept. */
export interface EmbeddingCache {
  path: string;
  maxBytes: number;
  /** sha256 of the base's weights. */
  base: string;
}

/** What a named system is made of on a base. */
export type NamedHead = (system: string, baseArchitecture: object, classes: number) => Promise<HeadArchitecture>;

export type CreateTrainer = (settings: TrainerSettings) => Promise<TrainerPort>;
