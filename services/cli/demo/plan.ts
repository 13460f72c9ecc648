import type { Recipe } from '../../worker/protocol/recipes';

/** What the demonstration trains, and on how much. */
export interface DemoPlan {
  seed: number;
  trainCount: number;
  testCount: number;
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
 */
export const DEMO_PLAN: DemoPlan = {
  seed: 20240,
  trainCount: 360,
  testCount: 90,
  segmentation: { ...QUICK, epochs: 7, learningRate: 3e-4, warmupSteps: 40 },
  classification: { ...QUICK, epochs: 14, learningRate: 2e-3, dropout: 0 },
};

export const BASE_NAME = 'tiny';
export const SEGMENTATION_MODEL = 'demo-lesion';
export const CLASSIFICATION_MODEL = 'demo-lesion-class';
