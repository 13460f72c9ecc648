import type { z } from 'zod';
import { automedError } from './errors';

/**
 * What a schema makes of a value.
 * @param prefix what the fields of an error begin with, e.g. `spec.`
 * @throws InvalidInputError that names the field as the API spells it
 */
export function checked<T>(schema: z.ZodType<T>, value: unknown, prefix = ''): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = `${prefix}${(issue?.path ?? []).join('.')}`.replace(/\.$/, '');
  const field = path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  throw automedError('INVALID_ARGUMENT', `${field}: ${issue?.message}.`, { field });
}
