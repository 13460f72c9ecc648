// What an evaluation is asked for, besides where its samples come from.

import { z } from 'zod';

export const evaluationFields = {
  /** `name`, `name@version` or `name@alias`. */
  model: z.string().min(1),
  /** What of the data is measured; default: as selectSamples() chooses. */
  part: z.enum(['unseen', 'train', 'validation', 'test', 'all']).optional(),
  /** Images that are measured at most, drawn by the seed, class by class. */
  limit: z.int().min(1).optional(),
  /** Segmentation: foreground is above it; default: the model's own. */
  threshold: z.number().gt(0).lt(1).optional(),
  /** Of the split that training made, and of the resamples; default: the one that the model records, else 0. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** Shares of that split; default: those that the model records, else 0.2 and 0. */
  validationFraction: z.number().gt(0).lt(1).optional(),
  testFraction: z.number().min(0).lt(1).optional(),
  /** Pictures of the worst images in the report. */
  worstCount: z.int().min(0).max(200).default(8),
  /** Pictures of the data in the report. */
  reportImages: z.boolean().default(true),
  device: z.string().default('cpu'),
};
