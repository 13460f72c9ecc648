import { trainingJobSpecSchema, type TrainingJobSpec } from '../../../worker/protocol/protocol';
import { automedError } from '../../../common/errors';
import type { ModelStore } from '../../../store';
import { checkNamed, versionsOf } from '../../../worker/protocol/preflight';
import { recipeFor } from '../../../worker/protocol/recipes';
import { systemFor } from '../../../worker/protocol/systems';
import { mostRanks, shareOf, type Capacity } from './capacity';
import type { JobKind } from './kinds';

export const TRAINING = 'training';

/** @param capacity that the service has for its jobs */
export function trainingKind(capacity: Capacity, store: ModelStore): JobKind<TrainingJobSpec> {
  return {
    name: TRAINING,
    noun: 'training job',
    spec: trainingJobSpecSchema,
    check({ task, system, recipe, overrides, ranks, threads = 1 }) {
      recipeFor(systemFor(task, system).recipes, recipe, overrides);
      const most = mostRanks(capacity);
      if (ranks > most) {
        const text = `${ranks} ranks are more than the ${most} that this service has threads for.`;
        throw automedError('INVALID_ARGUMENT', text, { field: 'spec.ranks' });
      }
      const there = shareOf(ranks, capacity).threads * ranks;
      if (threads > there) {
        const text = `${threads} threads are more than the ${there} that this service has for the training.`;
        throw automedError('INVALID_ARGUMENT', text, { field: 'spec.threads' });
      }
    },
    ready: (spec) => checkNamed(spec, store, 'spec.'),
    pinned: async (spec) => ({ ...spec, ...(await versionsOf(spec, store)) }),
    ranks: ({ ranks }) => ranks,
    command: ({ threads: wanted, ...spec }, { threads: there, jobId, jobFolder, store: root }) => {
      const threads = wanted === undefined ? there : Math.max(1, Math.floor(wanted / spec.ranks));
      return { type: 'train', spec: { ...spec, threads, jobFolder, store: root, jobId, resume: true } };
    },
  };
}
