// The systems that can be trained, by name: the paper's own, what it compares them with, and its ablations. What each of
// them is made of is native/src/models/head.cpp's to say.

import { automedError } from '../../common/errors';
import type { Task } from '../../store';
import type { RecipeFamily } from './recipes';

export interface System {
  task: Task;
  /** As a table names it. */
  title: string;
  /** Where `default` and `paper` look for their recipes. */
  recipes: RecipeFamily;
}

const automed = (title: string): System => ({ task: 'segmentation', title, recipes: 'segmentation' });
const medcls = (title: string): System => ({ task: 'classification', title, recipes: 'classification' });

/** The base itself, SAM or SAM-Med2D: it has no head, and the run registers a base. */
export const INTERACTIVE = 'interactive';

export const SYSTEMS: Readonly<Record<string, System>> = {
  automed: automed('SAM-AutoMed'),
  'automed-frozen-decoder': automed('SAM-AutoMed, mask decoder frozen'),
  'automed-plain-se': automed('SAM-AutoMed, plain squeeze-and-excitation'),
  // Under the same conditions as SAM-AutoMed, so with its recipes; its own is `paper-autosam`.
  autosam: automed('AutoSAM'),
  medcls: medcls('SAM-MedCls'),
  'medcls-encoder-only': medcls('encoder alone'),
  'medcls-mobilenet-plain': medcls('MobileNetV3 alone, plain squeeze-and-excitation'),
  'medcls-mobilenet-improved': medcls('MobileNetV3 alone, improved squeeze-and-excitation'),
  'medcls-no-attention': medcls('both, concatenated without attention'),
  [INTERACTIVE]: { task: 'segmentation', title: 'SAM-Med2D', recipes: 'interactive' },
};

export const DEFAULT_SYSTEM: Readonly<Record<Task, string>> = { segmentation: 'automed', classification: 'medcls' };

/** @throws InvalidInputError for an unknown name (field `system`), or one of the other task (WRONG_TASK) */
export function systemFor(task: Task, name: string = DEFAULT_SYSTEM[task]): System {
  const system = Object.hasOwn(SYSTEMS, name) ? SYSTEMS[name] : undefined;
  if (!system) {
    const known = Object.keys(SYSTEMS).join(', ');
    throw automedError('INVALID_ARGUMENT', `There is no system "${name}"; known are ${known}.`, { field: 'system' });
  }
  if (system.task !== task) {
    throw automedError('WRONG_TASK', `The system ${name} is for ${system.task}, not for ${task}.`, { field: 'system' });
  }
  return system;
}
