import type { InputPlacement, LeasedModels, ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import type { Pixels } from '../../imaging/pixels/pixels';

/** What a model says of one image. */
export interface ClassProbabilities {
  /** One per class, in the model's order; sums to 1. */
  probabilities: ArrayLike<number>;
  /** Where it was asked for. */
  saliency?: ClassSaliency | null;
  timings: RunTimings;
}

/** How much the log-odds of a class fall when a place is left out: `rows` x `columns` over the model's square input. */
export interface ClassSaliency {
  classIndex: number;
  map: Float32Array;
  rows: number;
  columns: number;
  placement: InputPlacement;
}

/** A loaded classification model. */
export interface ClassificationModel {
  readonly identity: ModelIdentity;
  readonly classes: readonly string[];
  /** @param saliency asks for it, of one class or of the most probable */
  classify(
    pixels: Pixels,
    options: RunOptions,
    saliency?: { classIndex: number | undefined },
  ): Promise<ClassProbabilities>;
}

export type ClassificationModels = LeasedModels<ClassificationModel>;
