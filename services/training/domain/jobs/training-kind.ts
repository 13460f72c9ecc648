import { trainingJobSpecSchema, type TrainingJobSpec } from '../../../worker/protocol/protocol';
import { automedError } from '../../../common/errors';
import type { ModelStore } from '../../../store';
import { checkNamed, versionsOf } from '../../../worker/protocol/preflight';
import { recipeFor } from '../../../worker/protocol/recipes';
import { systemFor } from '../../../worker/protocol/systems';
import type { JobKind } from './kinds';

export const TRAINING = 'training';

/** @param mostRanks that the service can run of one training */
export function trainingKind(mostRanks: number, store: ModelStore): JobKind<TrainingJobSpec> {
  return {
    name: TRAINING,
    noun: 'training job',
    spec: trainingJobSpecSchema,
    check({ task, system, recipe, overrides, ranks }) {
      recipeFor(systemFor(task, system).recipes, recipe, overrides);
      if (ranks <= mostRanks) return;
      const text = `${ranks} ranks are more than the ${mostRanks} that this service has threads for.`;
      throw automedError('INVALID_ARGUMENT', text, { field: 'spec.ranks' });
    },
    ready: (spec) => checkNamed(spec, store, 'spec.'),
    pinned: async (spec) => ({ ...spec, ...(await versionsOf(spec, store)) }),
    ranks: ({ ranks }) => ranks,
    command: (spec, { jobId, ...machine }) => ({ type: 'train', spec: { ...spec, ...machine, jobId, resume: true } }),
  };
}
