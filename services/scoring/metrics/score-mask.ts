// Everything that is said of one drawn mask beside the true one, wherever masks are scored.

import { maskScores, type MaskScores } from './metrics';
import { surfaceDistances } from './surface-distance';

/** The scores of one structure on one image; null where a score is not defined. */
export interface DrawnScores extends MaskScores {
  /** 95 % Hausdorff distance of the outlines, pixels; null when one of the masks is empty: there is no distance to nothing. */
  hd95Px: number | null;
  /** The same with the image's diagonal, the longest distance there is, where one of the masks is empty. */
  hd95PenalizedPx: number;
  /** Average symmetric surface distance, pixels; null when one of the masks is empty. */
  asdPx: number | null;
}

/** @param predicted and @param truth one byte per pixel, row by row, not 0 for the foreground */
export function scoreMask(predicted: Uint8Array, truth: Uint8Array, width: number, height: number): DrawnScores {
  const distances = surfaceDistances(predicted, truth, width, height);
  return {
    ...maskScores(predicted, truth),
    hd95Px: distances?.hd95Px ?? null,
    hd95PenalizedPx: distances?.hd95Px ?? Math.hypot(width, height),
    asdPx: distances?.asdPx ?? null,
  };
}
