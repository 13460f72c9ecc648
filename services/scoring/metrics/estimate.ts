// A score as it is written down, and what it rests on in words.

import { z } from 'zod';

/** Versions and evaluations of before have no counts. */
export const estimateSchema = z.object({
  value: z.number(),
  low: z.number().optional(),
  high: z.number().optional(),
  images: z.int().min(0).optional(),
  masks: z.int().min(0).optional(),
  lesions: z.int().min(0).optional(),
  classes: z.int().min(0).optional(),
  resamples: z.int().min(0).optional(),
});

export type StoredEstimate = z.infer<typeof estimateSchema>;

/** The counts of an estimate; absent: those of the whole. */
export type Counts = Partial<Record<'images' | 'masks' | 'lesions' | 'classes' | 'resamples', number | undefined>>;

/** How many there are of each. */
export interface Whole {
  images?: number | undefined;
  structures?: number | undefined;
  classes?: number | undefined;
  resamples?: number | undefined;
}

/** `1 of 20 images, 900 of 2000 resamples`; empty where a score rests on everything. */
export function basisText(counts: Counts, { images, structures, classes, resamples }: Whole): string {
  const all = { images, masks: structures && images && images * structures, lesions: undefined, classes, resamples };
  const parts = (['images', 'masks', 'lesions', 'classes', 'resamples'] as const).flatMap((name) => {
    const [count, whole] = [counts[name], all[name]];
    if (count === undefined) return [];
    return [whole === undefined ? `${count} ${name}` : `${count} of ${whole} ${name}`];
  });
  return parts.join(', ');
}

/** Classes of which not one score is known: no image is of them, and none was taken for them. */
export function unscoredClasses(classes: readonly string[], estimates: Readonly<Record<string, unknown>>): string[] {
  return classes.filter((name) => !Object.hasOwn(estimates, `class.${name}.f1`));
}
