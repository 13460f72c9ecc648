// What stored samples mean on the 0-255 scale that networks expect: a rule of the data, recorded with what was trained on it.

import { z } from 'zod';
import { automedError } from '../common/errors';

const MAX_VALUE = 1e9;
const value = z.number().min(-MAX_VALUE).max(MAX_VALUE);
const percentile = z.number().min(0).max(100);
const ordered = ({ low, high }: { low: number; high: number }): boolean => low < high;

export const intensitySchema = z.discriminatedUnion('policy', [
  /** Integers fill the range of their type, float is on the 0-255 scale already. What an absent rule means. */
  z.strictObject({ policy: z.literal('full') }),
  /** Integers fill the range of their type, float is from 0 to 1. */
  z.strictObject({ policy: z.literal('dtype') }),
  /** Of each image its percentiles `low` and `high`, over all colour samples, become 0 and 255. */
  z.strictObject({ policy: z.literal('percentile'), low: percentile, high: percentile }).refine(ordered),
  /** The stored values `low` and `high` become 0 and 255. */
  z.strictObject({ policy: z.literal('window'), low: value, high: value }).refine(ordered),
]);

export type Intensity = z.infer<typeof intensitySchema>;

const PERCENTILES = { low: 0.5, high: 99.5 };
const NUMBER = String.raw`(-?\d+(?:\.\d+)?)`;
const SPELLING = new RegExp(`^(?:(full|dtype|percentile)|(percentile|window):${NUMBER}:${NUMBER})$`);

function readIntensity(text: string): Intensity | undefined {
  const [, alone, policy, low, high] = SPELLING.exec(text.trim()) ?? [];
  const bounds =
    alone === 'percentile' ? PERCENTILES : alone === undefined ? { low: Number(low), high: Number(high) } : {};
  return intensitySchema.safeParse({ policy: alone ?? policy, ...bounds }).data;
}

/** As an option or a field of a request spells it. */
export const intensityTextSchema = z
  .string()
  .max(100)
  .refine((text) => readIntensity(text) !== undefined, 'must be full, dtype, percentile[:LOW:HIGH] or window:LOW:HIGH');

/**
 * Reads `full`, `dtype`, `percentile` (0.5 to 99.5), `percentile:LOW:HIGH` or `window:LOW:HIGH`.
 * @throws InvalidInputError (field `intensity`)
 */
export function parseIntensity(text: string): Intensity {
  const read = readIntensity(text);
  if (read) return read;
  const message =
    `"${text.slice(0, 100)}" is no range of values: write full, dtype, percentile, percentile:LOW:HIGH with ` +
    '0 <= LOW < HIGH <= 100, or window:LOW:HIGH with LOW < HIGH.';
  throw automedError('INVALID_ARGUMENT', message, { field: 'intensity' });
}

/** The rule that a run was given. @throws InvalidInputError (field `intensity`) */
export function askedIntensity({ intensity }: { intensity?: string | undefined }): Intensity | undefined {
  return intensity === undefined ? undefined : parseIntensity(intensity);
}

/** As parseIntensity reads it; absent means `full`. */
export function intensityText(intensity: Intensity = { policy: 'full' }): string {
  const { policy } = intensity;
  return policy === 'percentile' || policy === 'window' ? `${policy}:${intensity.low}:${intensity.high}` : policy;
}
