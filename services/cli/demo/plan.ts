import type { Recipe } from '../../worker/protocol/recipes';

/** What the demonstration trains, and on how much. */
export interface DemoPlan {
  seed: number;
  trainCount: number;
  testCount: number;
  /** Share of the training pictures that selects checkpoints. */
  validationFraction: number;
  segmentation: Partial<Recipe> & { epochs: number };
  classification: Partial<Recipe> & { epochs: number };
}

/** A plan on this machine. */
export interface DemoRun extends DemoPlan {
  /** LibTorch threads. */
  threads: number;
}

/**
 * What both recipes share: small batches take more steps in the same time, and running statistics of batch norm, averaged
 * over the last 33 batches, save the pass that would measure them anew.
 */
const QUICK = { batchSize: 4, gradientClip: 1, batchNorm: 'running', batchNormMomentum: 0.03 } as const;

/**
 * Sized for six minutes of training on two cores, and chosen so that neither the seed nor the CPU's rounding decides: with a
 * higher rate segmentation, and with dropout or a lower rate classification, leaves its first plateau too late on some seeds.
 * Many pictures seen a few times teach more than half of them seen twice as often, and 300 tell a score to two points.
 */
export const DEMO_PLAN: DemoPlan = {
  seed: 20240,
  trainCount: 720,
  testCount: 300,
  validationFraction: 0.1,
  segmentation: { ...QUICK, epochs: 3, learningRate: 3e-4, warmupSteps: 40 },
  // Without one of the flips a frozen encoder looks at each picture twice at most.
  classification: { ...QUICK, epochs: 7, learningRate: 2e-3, dropout: 0, verticalFlip: false },
};

export const BASE_NAME = 'tiny';
export const SEGMENTATION_MODEL = 'demo-lesion';
export const CLASSIFICATION_MODEL = 'demo-lesion-class';
