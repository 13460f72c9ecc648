import { z } from 'zod';
import { parseAddress } from '../../common/address';
import { excerpt } from '../../common/bounded-text';
import { automedError } from '../../common/errors';
import { matchesGlob } from '../../common/glob';

/** Prefix of a backend that stands for every address of a name, e.g. of a headless Service: `dns:automed-segmentation:50052`. */
export const DNS_SCHEME = 'dns:';

/** One address that answers, or `dns:HOST:PORT` for every address of a name; and its share of the calls among the healthy ones of its rule. */
const backendSchema = z
  .union([
    z.string().min(1),
    z.object({ address: z.string().min(1), weight: z.number().min(0).max(1_000_000).default(1) }).strict(),
  ])
  .transform((backend) => (typeof backend === 'string' ? { address: backend, weight: 1 } : backend))
  .superRefine(({ address }, context) => {
    if (!address.startsWith(DNS_SCHEME)) return;
    const { problem, socketPath } = parseAddress(address.slice(DNS_SCHEME.length));
    if (problem !== undefined || socketPath !== undefined)
      context.addIssue({ code: 'custom', message: `${excerpt(address)} must be ${DNS_SCHEME}HOST:PORT` });
  });

const reference = z.string().regex(/^[^@\s]+(@[^@\s]+)?$/, 'must be NAME, NAME@VERSION or NAME@ALIAS');

const partSchema = z
  .object({
    /** What the backend is asked for. */
    model: reference,
    weight: z.number().min(0).max(1_000_000),
    /** Default: those of the rule. */
    backends: z.array(backendSchema).min(1).optional(),
  })
  .strict();

const shadowSchema = z
  .object({
    model: reference,
    /** Of the calls, `(0, 1]`. */
    fraction: z.number().positive().max(1),
    /** Default: those of the rule. */
    backends: z.array(backendSchema).min(1).optional(),
  })
  .strict();

const ruleSchema = z
  .object({
    /** Full name, e.g. `automed.segmentation.v1.SegmentationService`, a package as `automed.training.v1.*`, or `*`. */
    service: z
      .string()
      .regex(/^(\*|[\w.]+|[\w.]+\.\*)$/, 'must be the full name of a service, a package with .*, or *')
      .default('*'),
    /** Name of the model, without version; `*` stands for any characters. */
    model: z.string().min(1).default('*'),
    /** What follows `@`: an alias or a version; `*` stands for any characters, nothing for a name alone. Default: whatever it is. */
    alias: z.string().optional(),
    backends: z.array(backendSchema).min(1),
    /** What calls of the rule that name a model and change nothing are answered by instead, in proportion to the weights, the current one first. */
    split: z.array(partSchema).min(2).optional(),
    /** What gets a copy of some calls; its answers are compared and dropped. */
    shadow: shadowSchema.optional(),
    /** A call that may be made twice and takes longer goes to another backend, too, milliseconds. Default: never. */
    hedgeMs: z.number().int().min(1).optional(),
  })
  .strict();

const sizeSchema = z
  .object({
    /** Pattern of `package.Service/Method`. */
    method: z.string().min(1),
    /** One request, or one message of a stream, at most. */
    maxBytes: z.number().int().min(1),
  })
  .strict();

/** The first rule that fits a call decides; put the particular before the general. */
export const routesSchema = z
  .object({
    rules: z.array(ruleSchema).min(1),
    /** The first that fits a call's method holds; `AUTOMED_MAX_MESSAGE_BYTES` holds for all. */
    sizes: z.array(sizeSchema).default([]),
  })
  .strict();

export type Routes = z.infer<typeof routesSchema>;
export type Rule = Routes['rules'][number];
export type Backend = Rule['backends'][number];

/** The rule of a call, if any. */
export function findRule(routes: Routes, service: string, model: string): Rule | undefined {
  const [name = '', alias = ''] = model.split('@');
  return routes.rules.find(
    (rule) =>
      leadsTo(rule, service) &&
      matchesGlob(rule.model, name) &&
      (rule.alias === undefined || matchesGlob(rule.alias, alias)),
  );
}

/** Whether a rule is for this service, whatever the model. */
export function leadsTo({ service: pattern }: Rule, service: string): boolean {
  return pattern.endsWith('*') ? service.startsWith(pattern.slice(0, -1)) : service === pattern;
}

/** Addresses that any rule could send a call of this service to. */
export function addressesOf(routes: Routes, service: string): string[] {
  const rules = routes.rules.filter((rule) => leadsTo(rule, service));
  return [...new Set(rules.flatMap((rule) => backendsOf(rule).map((backend) => backend.address)))];
}

/** Every address of the routes. */
export function allAddresses(routes: Routes): string[] {
  return [...new Set(routes.rules.flatMap((rule) => backendsOf(rule).map((backend) => backend.address)))];
}

function backendsOf({ backends, split = [], shadow }: Rule): Backend[] {
  return [...backends, ...split.flatMap((part) => part.backends ?? []), ...(shadow?.backends ?? [])];
}

/** The most that a message of this method may have, bytes; Infinity where the table says nothing. @param method `package.Service/Method` */
export function sizeLimit({ sizes }: Routes, method: string): number {
  return sizes.find((size) => matchesGlob(size.method, method))?.maxBytes ?? Infinity;
}

/** What `automed-model` says must be what the message says; either alone is enough. */
export function agreedModel(fromMessage: string, fromMetadata: string): string {
  if (fromMetadata === '' || fromMetadata === fromMessage) return fromMessage;
  if (fromMessage === '') return fromMetadata;
  const text = `The metadata automed-model says '${excerpt(fromMetadata)}', the request says '${excerpt(fromMessage)}'.`;
  throw automedError('INVALID_ARGUMENT', text, { field: 'model' });
}
