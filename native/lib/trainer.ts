import { typedErrors } from './errors';
import { loadAddon, type RawTrainer } from './native';
import type { Pixels } from './types/image';
import type { EmbeddingStats, SampleResult, SplitName, StepResult, TrainerOptions } from './types/training';

/**
 * One training run in this process: samples, augmentation, optimiser and random state live in native code; the caller
 * decides how many steps to take between looks at the clock. Calls run one after another on the trainer's own thread.
 */
export class Trainer {
  private constructor(private readonly raw: RawTrainer) {}

  static async create(options: TrainerOptions): Promise<Trainer> {
    const { preprocessing = null, threshold = null, encoderWeights = 'packed' } = options;
    const raw = { ...options, preprocessing, threshold, encoderWeights };
    return new Trainer(await typedErrors(() => loadAddon().Trainer.create(raw)));
  }

  get trainableParameterCount(): number {
    return this.raw.trainableParameterCount;
  }

  /** @param masks structure by structure one byte per pixel of the image, foreground when not 0 */
  async addSegmentationSample(split: SplitName, pixels: Pixels, masks: Uint8Array): Promise<number> {
    return typedErrors(() => this.raw.addSegmentationSample(split, pixels, masks));
  }

  async addClassificationSample(split: SplitName, pixels: Pixels, label: number): Promise<number> {
    return typedErrors(() => this.raw.addClassificationSample(split, pixels, label));
  }

  /**
   * Learns from up to `steps` batches, ending early at the end of the epoch.
   * @throws IllegalStateError (field `loss` or `gradient`) when one of these is not finite; the weights are then those of the
   * optimiser step before, and `recentSamples` says what it learned from
   */
  async train(steps: number): Promise<StepResult> {
    return typedErrors(() => this.raw.train(steps));
  }

  setLearningRate(learningRate: number): void {
    this.raw.setLearningRate(learningRate);
  }

  /** Indices of the training samples since the last optimiser step, or of the step that failed. */
  async recentSamples(): Promise<number[]> {
    return typedErrors(() => this.raw.recentSamples());
  }

  /**
   * Measures batch norm's running statistics anew, with the weights as they are, on up to `batches` batches of training
   * samples, the same at every call. Resolves to the number of batches: 0 where there is no batch norm.
   */
  async measureBatchNorm(batches: number): Promise<number> {
    return typedErrors(() => this.raw.measureBatchNorm(batches));
  }

  /** What is kept of the frozen encoder's embeddings; null when none is. */
  async embeddingStats(): Promise<EmbeddingStats | null> {
    return typedErrors(() => this.raw.embeddingStats());
  }

  /** Loss and metrics of every sample of a split, in eval mode. */
  async evaluate(split: SplitName): Promise<SampleResult[]> {
    return typedErrors(() => this.raw.evaluate(split));
  }

  /** Masks (0 or 1 per pixel, original size) of one sample, structure by structure. */
  async predictMasks(split: SplitName, index: number): Promise<Buffer> {
    return typedErrors(() => this.raw.predictMasks(split, index));
  }

  /** Writes parameters, optimiser, random state and sampler position, atomically. */
  async saveCheckpoint(path: string): Promise<void> {
    await typedErrors(() => this.raw.saveCheckpoint(path));
  }

  /** Continues where the checkpoint stopped: the same samples must have been added in the same order. */
  async loadCheckpoint(path: string): Promise<void> {
    await typedErrors(() => this.raw.loadCheckpoint(path));
  }

  /** Writes the head's weights, and the whole base (for a run that trained some of it); null: not that one. */
  async exportWeights(headPath: string | null, basePath: string | null): Promise<void> {
    await typedErrors(() => this.raw.exportWeights(headPath, basePath));
  }

  /** Waits until every rank of the process group has called it; from then on this trainer works alone. */
  async leaveProcessGroup(): Promise<void> {
    await typedErrors(() => this.raw.leaveProcessGroup());
  }

  async close(): Promise<void> {
    await typedErrors(() => this.raw.close());
  }
}

/** The `architecture` of model.json for a named system of the paper on a base; `classes` counts for classification. */
export async function headArchitecture(system: string, baseArchitecture: string, classes: number): Promise<string> {
  return typedErrors(() => Promise.resolve(loadAddon().headArchitecture(system, baseArchitecture, classes)));
}
