import { typedErrors } from './errors';
import {
  loadAddon,
  type RawPixels,
  type RawSampleResult,
  type RawStepResult,
  type RawTrainer,
  type RawTrainerOptions,
  type SplitName,
} from './native';

export type TrainerOptions = RawTrainerOptions;
export type StepResult = RawStepResult;
export type SampleResult = RawSampleResult;

/**
 * One training run in this process: samples, augmentation, optimiser and random state live in native code; the caller
 * decides how many steps to take between looks at the clock. Calls run one after another on the trainer's own thread.
 */
export class Trainer {
  private constructor(private readonly raw: RawTrainer) {}

  static async create(options: TrainerOptions): Promise<Trainer> {
    return new Trainer(await typedErrors(() => loadAddon().Trainer.create(options)));
  }

  get trainableParameterCount(): number {
    return this.raw.trainableParameterCount;
  }

  /** @param mask one byte per pixel, foreground when not 0, of the image's size */
  async addSegmentationSample(split: SplitName, pixels: RawPixels, mask: Uint8Array): Promise<number> {
    return typedErrors(() => this.raw.addSegmentationSample(split, pixels, mask));
  }

  async addClassificationSample(split: SplitName, pixels: RawPixels, label: number): Promise<number> {
    return typedErrors(() => this.raw.addClassificationSample(split, pixels, label));
  }

  /** Takes up to `steps` optimiser steps, ending early at the end of the epoch. */
  async train(steps: number): Promise<StepResult> {
    return typedErrors(() => this.raw.train(steps));
  }

  setLearningRate(learningRate: number): void {
    this.raw.setLearningRate(learningRate);
  }

  /** Loss and metrics of every sample of a split, in eval mode. */
  async evaluate(split: SplitName): Promise<SampleResult[]> {
    return typedErrors(() => this.raw.evaluate(split));
  }

  /** Mask (0 or 1 per pixel, original size) of one sample. */
  async predictMask(split: SplitName, index: number): Promise<Buffer> {
    return typedErrors(() => this.raw.predictMask(split, index));
  }

  /** Writes parameters, optimiser, random state and sampler position, atomically. */
  async saveCheckpoint(path: string): Promise<void> {
    await typedErrors(() => this.raw.saveCheckpoint(path));
  }

  /** Continues where the checkpoint stopped: the same samples must have been added in the same order. */
  async loadCheckpoint(path: string): Promise<void> {
    await typedErrors(() => this.raw.loadCheckpoint(path));
  }

  /** Writes the head's weights, and with basePath the whole base (for a run that trained the encoder). */
  async exportWeights(headPath: string, basePath: string | null): Promise<void> {
    await typedErrors(() => this.raw.exportWeights(headPath, basePath));
  }

  async close(): Promise<void> {
    await typedErrors(() => this.raw.close());
  }
}
