import type { z } from 'zod';
import { evaluationSpecSchema } from '../../../worker/protocol/protocol';
import type { JobKind } from '../jobs/kinds';
import { checkDataExists } from '../../../worker/protocol/preflight';

export const EVALUATION = 'evaluation';

/** What a caller says of an evaluation; the rest of its specification is the service's. */
export const evaluationJobSpecSchema = evaluationSpecSchema.extend({
  device: evaluationSpecSchema.shape.device.unwrap().default('auto'),
});

export type EvaluationJobSpec = z.infer<typeof evaluationJobSpecSchema>;

export const evaluationKind: JobKind<EvaluationJobSpec> = {
  name: EVALUATION,
  noun: 'evaluation',
  spec: evaluationJobSpecSchema,
  ready: (spec) => checkDataExists(spec, 'spec.'),
  command: (spec, { jobId, store, threads }) => ({ type: 'evaluate', spec: { ...spec, id: jobId, store, threads } }),
};
