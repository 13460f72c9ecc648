import type { Pixels } from '../../imaging/pixels';
import type { Task } from '../../store';
import type { Part } from './data-folder';
import type { Recipe } from './recipes';

export interface StepOutcome {
  images: number;
  loss: number;
  epochDone: boolean;
}

export interface SampleOutcome {
  index: number;
  loss: number;
  /** Segmentation. */
  dice: number | null;
  iou: number | null;
  /** Classification. */
  probabilities: Float32Array | null;
  label: number | null;
}

/** What a run needs of the native trainer. */
export interface TrainerPort {
  readonly trainableParameterCount: number;
  addSegmentationSample(part: Part, pixels: Pixels, mask: Uint8Array): Promise<number>;
  addClassificationSample(part: Part, pixels: Pixels, label: number): Promise<number>;
  train(steps: number): Promise<StepOutcome>;
  setLearningRate(learningRate: number): void;
  evaluate(part: Part): Promise<SampleOutcome[]>;
  predictMask(part: Part, index: number): Promise<Uint8Array>;
  saveCheckpoint(path: string): Promise<void>;
  loadCheckpoint(path: string): Promise<void>;
  exportWeights(headPath: string, basePath: string | null): Promise<void>;
  close(): Promise<void>;
}

export interface TrainerSettings {
  task: Task;
  device: string;
  threads: number;
  baseArchitecture: object;
  baseWeightsPath: string;
  headArchitecture: object;
  headWeightsPath: string | null;
  /** Of a model of either task: the run starts from its MobileNet. */
  backboneWeightsPath: string | null;
  trainEncoder: boolean;
  seed: number;
  recipe: Recipe;
  cachePath: string;
}

export type CreateTrainer = (settings: TrainerSettings) => Promise<TrainerPort>;
