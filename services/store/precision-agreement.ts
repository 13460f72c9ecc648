// Whether a model may be served with its encoder in reduced precision: what it answers must be what it answers in float32.

import { z } from 'zod';

/** Of a model's own validation images, measured when its version was registered. */
export const precisionAgreementSchema = z.object({
  images: z.int().min(1),
  /** Segmentation: mean Dice of the masks with those of float32, over images and structures; two empty masks agree. */
  dice: z.number().min(0).max(1).optional(),
  /** Classification: accuracy minus that in float32, in percentage points. */
  accuracyPoints: z.number().min(-100).max(100).optional(),
});
export type PrecisionAgreement = z.infer<typeof precisionAgreementSchema>;

export const reducedPrecisionSchema = z.object({ bfloat16: precisionAgreementSchema.optional() });
export type ReducedPrecision = z.infer<typeof reducedPrecisionSchema>;

/** What reduced precision may cost. */
const AGREEMENT_RULE = { dice: 0.99, accuracyPoints: 0.2 };

/** Whether a version may be served in a reduced precision. What was never measured may not. */
export function agrees(found: PrecisionAgreement | undefined): boolean {
  if (found === undefined) return false;
  const { dice, accuracyPoints } = found;
  if (dice !== undefined) return dice >= AGREEMENT_RULE.dice;
  // 0.2 points of few images are not a whole image: then none may differ.
  return accuracyPoints !== undefined && Math.abs(accuracyPoints) <= AGREEMENT_RULE.accuracyPoints;
}

/** For a model card: `mean Dice 0.9976 with the masks of float32 on 60 images; may be served`. */
export function describeAgreement(found: PrecisionAgreement): string {
  const { images, dice, accuracyPoints = 0 } = found;
  const measured =
    dice === undefined
      ? `accuracy ${accuracyPoints >= 0 ? '+' : ''}${accuracyPoints.toFixed(2)} points against float32`
      : `mean Dice ${dice.toFixed(4)} with the masks of float32`;
  return `${measured} on ${images} validation images; ${agrees(found) ? 'may be served' : 'may not be served'}`;
}
