import type { Recipe } from '../../training/domain/recipes';

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

/** Sized for six minutes of training on two cores, and enough for a Dice of 0.85 and an accuracy of 0.9. */
export const DEMO_PLAN: DemoPlan = {
  seed: 20240,
  trainCount: 360,
  testCount: 90,
  segmentation: { epochs: 7 },
  classification: { epochs: 12, batchSize: 8, learningRate: 2e-3 },
};

export const BASE_NAME = 'tiny';
export const SEGMENTATION_MODEL = 'demo-lesion';
export const CLASSIFICATION_MODEL = 'demo-lesion-class';
