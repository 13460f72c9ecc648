import { z } from 'zod';

/** What is known of a training after each of its epochs, from 1. */
export const epochMetricsSchema = z.object({
  epoch: z.int(),
  trainLoss: z.number(),
  validationLoss: z.number(),
  /** Learning rate of the last step. */
  learningRate: z.number(),
  /** mDSC or accuracy on the validation samples: what "best" means. */
  score: z.number(),
  mdsc: z.number().optional(),
  miou: z.number().optional(),
  /** Several structures: of each, in their order. */
  structures: z.array(z.object({ name: z.string(), mdsc: z.number(), miou: z.number() })).optional(),
  /** A base: the same with one point as prompt; mdsc and miou are those with the true box. */
  point: z.object({ mdsc: z.number(), miou: z.number() }).optional(),
  accuracy: z.number().optional(),
  macroF1: z.number().optional(),
});

export type EpochMetrics = z.infer<typeof epochMetricsSchema>;
