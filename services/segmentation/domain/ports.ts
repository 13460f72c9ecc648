import type { LeasedModels, ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import type { GreyPicture } from '../../imaging/grey-png';
import type { Pixels } from '../../imaging/pixels/pixels';

/** One mask at the original size of its image, with what was measured on it. */
export interface DrawnMask {
  /** One byte per pixel, 0 or 1, rows from the top. */
  mask: Uint8Array;
  width: number;
  height: number;
  areaPx: number;
  /** x, y, width, height in pixels; null when the mask is empty. */
  boundingBox: readonly [number, number, number, number] | null;
  /** Mean probability of the foreground; null when the mask is empty. */
  meanProbability: number | null;
  /** 255 times the probability of each pixel, of the image's size or smaller; null or absent unless asked for. */
  probabilities?: GreyPicture | null;
}

/** What a model draws on one image. */
export interface DrawnMasks {
  /** One for each structure of the model, in its order. */
  masks: readonly DrawnMask[];
  timings: RunTimings;
}

/** A loaded segmentation model. */
export interface SegmentationModel {
  readonly identity: ModelIdentity;
  /** The model's own, (0, 1). */
  readonly threshold: number;
  /** What it draws, e.g. `polyp`. */
  readonly structures: readonly string[];
  /** @param probabilities whether the masks come with the probability of each pixel */
  segment(pixels: Pixels, threshold: number, options: RunOptions, probabilities: boolean): Promise<DrawnMasks>;
}

export type SegmentationModels = LeasedModels<SegmentationModel>;
