import type { Review } from './reviews';
import type { Mask } from './types';

/** Masks of a review: as they were amended last, else as they were predicted. */
export function masksThatCount({ finding, decision }: Pick<Review, 'finding' | 'decision'>): readonly Mask[] {
  const amended = decision?.masks ?? [];
  return amended.length > 0 ? amended : (finding.segmentation?.masks ?? []);
}
