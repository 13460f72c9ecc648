// What a model's version records of its training that matters to who measures it again.

import { z } from 'zod';
import type { Model__Output } from '../../proto/gen/automed/models/v1/Model';
import { preprocessingSchema, type ModelManifest, type Preprocessing } from '../store';

const lineageSchema = z.looseObject({
  dataset: z
    .looseObject({
      split: z
        .looseObject({ seed: z.number(), validationFraction: z.number(), testFraction: z.number() })
        .partial()
        .optional(),
      maskValues: z.string().optional(),
    })
    .optional(),
  preprocessing: preprocessingSchema.optional(),
});

export interface Recorded {
  split: { seed?: number | undefined; validationFraction?: number | undefined; testFraction?: number | undefined };
  /** Stored values of masks that were foreground; undefined: told by each file. */
  maskValues: string | undefined;
  /** How images are prepared; undefined: the service does not tell it. */
  preprocessing: Preprocessing | undefined;
}

/** Of a version in a store. */
export function recordedInManifest({ dataset, preprocessing }: ModelManifest): Recorded {
  return { split: dataset.split ?? {}, maskValues: dataset.maskValues, preprocessing };
}

/** Of a model that a service describes. Versions and services of before lack any of it. */
export function recordedOf({ lineageJson }: Pick<Model__Output, 'lineageJson'>): Recorded {
  const { dataset = {}, preprocessing } = lineageSchema.parse(lineageJson === '' ? {} : JSON.parse(lineageJson));
  return { split: dataset.split ?? {}, maskValues: dataset.maskValues, preprocessing };
}
