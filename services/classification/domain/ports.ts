import type { LeasedModels, ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import type { Pixels } from '../../imaging/pixels/pixels';

/** What a model says of one image. */
export interface ClassProbabilities {
  /** One per class, in the model's order; sums to 1. */
  probabilities: ArrayLike<number>;
  timings: RunTimings;
}

/** A loaded classification model. */
export interface ClassificationModel {
  readonly identity: ModelIdentity;
  readonly classes: readonly string[];
  classify(pixels: Pixels, options: RunOptions): Promise<ClassProbabilities>;
}

export type ClassificationModels = LeasedModels<ClassificationModel>;
