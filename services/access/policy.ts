// Who may call what: roles by method and model.

import { parse } from 'yaml';
import { z } from 'zod';
import { matchesAny } from '../common/glob';
import { limitSchema } from './limits';

const grantSchema = z
  .object({
    /** Patterns of `package.Service/Method`, `*` stands for any characters, e.g. `automed.segmentation.v1.*`. */
    methods: z.array(z.string().min(1)).min(1),
    /**
     * Patterns of the names of models, of which the request must name only such ones; with it, methods whose requests name no
     * model in their field `model` are not granted. Absent: all.
     */
    models: z.array(z.string().min(1)).min(1).optional(),
  })
  .strict();
const PREDICT = [
  'automed.segmentation.v1.*',
  'automed.classification.v1.*',
  'automed.analysis.v1.*',
  'automed.models.v1.ModelService/List*',
  'automed.models.v1.ModelService/Get*',
];

/** Of a policy that names none. */
const DEFAULT_ROLES: Record<string, z.infer<typeof grantSchema>[]> = {
  predict: [{ methods: PREDICT }],
  train: [
    {
      methods: [
        ...PREDICT,
        'automed.models.v1.ModelService/LookUpSamples',
        'automed.training.v1.*',
        'automed.bases.v1.*',
        'automed.datasets.v1.*',
        'automed.evaluations.v1.*',
        'automed.reports.v1.*',
        'automed.reviews.v1.*',
      ],
    },
  ],
  review: [
    {
      methods: [
        ...PREDICT,
        'automed.reviews.v1.ReviewService/AddReview',
        'automed.reviews.v1.ReviewService/List*',
        'automed.reviews.v1.ReviewService/Get*',
        'automed.reviews.v1.ReviewService/DecideReview',
        'automed.datasets.v1.DatasetService/List*',
        'automed.datasets.v1.DatasetService/Get*',
        'automed.datasets.v1.DatasetService/Read*',
      ],
    },
  ],
  admin: [{ methods: ['*'] }],
};

/** A role is what any of its grants allows. */
const policySchema = z
  .object({
    /** Default: those of DEFAULT_POLICY. */
    roles: z.record(z.string().min(1), z.array(grantSchema).min(1)).optional(),
    /** Every limit that concerns a call holds. Default: none. */
    limits: z.array(limitSchema).default([]),
  })
  .strict()
  .refine(({ roles, limits }) => roles !== undefined || limits.length > 0, 'must have roles or limits')
  .transform(({ roles = DEFAULT_ROLES, limits }) => ({ roles, limits }));

export type Policy = z.infer<typeof policySchema>;

/** Without a policy file. */
export const DEFAULT_POLICY: Policy = { roles: DEFAULT_ROLES, limits: [] };

/** Reads YAML or JSON, `{roles: {NAME: [{methods: [...], models: [...]}]}, limits: [{callers: [...], perSecond: N}]}`. @throws Error with one sentence */
export function parsePolicy(text: string): Policy {
  const parsed = policySchema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is no policy'}`);
}

/** Whether one of the roles allows the call. @param models names without version of all that the request names */
export function allows(policy: Policy, roles: readonly string[], method: string, models: readonly string[]): boolean {
  const grants = roles.flatMap((name) => (Object.hasOwn(policy.roles, name) ? (policy.roles[name] ?? []) : []));
  return grants.some(
    (grant) =>
      matchesAny(grant.methods, method) &&
      (grant.models === undefined ||
        (models.length > 0 && models.every((model) => matchesAny(grant.models ?? [], model)))),
  );
}
