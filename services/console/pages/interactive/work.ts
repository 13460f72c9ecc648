import type { Mask } from '../../../console-kit/api/types';
import type { Prompt } from './prompts';

export interface FinishedObject {
  name: string;
  mask: Mask;
}

export interface Work {
  prompts: readonly Prompt[];
  objects: readonly FinishedObject[];
}

export interface Drawn {
  mask: Mask;
  /** The decoder's own estimate of the IoU, about `[0, 1]`. */
  iou: number;
}
