import type { z } from 'zod';
import { nameSchema } from '../../../store';
import { trainSpecSchema } from '../../protocol';
import { recipeFor } from '../recipes';
import { systemFor } from '../systems';
import type { JobKind } from './kinds';

export const TRAINING = 'training';

/** What a caller says of a training; the rest of a run's specification is the service's. */
export const trainingJobSpecSchema = trainSpecSchema
  .omit({ store: true, jobFolder: true, threads: true, resume: true, jobId: true })
  .extend({ name: nameSchema, device: trainSpecSchema.shape.device.unwrap().default('auto') });

export type TrainingJobSpec = z.infer<typeof trainingJobSpecSchema>;
export type TrainingJobSpecInput = z.input<typeof trainingJobSpecSchema>;

export const trainingKind: JobKind<TrainingJobSpec> = {
  name: TRAINING,
  noun: 'training job',
  spec: trainingJobSpecSchema,
  check({ task, system, recipe, overrides }) {
    recipeFor(systemFor(task, system).recipes, recipe, overrides);
  },
  command: (spec, { jobId, ...machine }) => ({ type: 'train', spec: { ...spec, ...machine, jobId, resume: true } }),
};
