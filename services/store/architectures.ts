// The named base architectures: the `architecture` of base.json, which native code reads as it stands. The table is
// native/architectures.json; the native build embeds the same file. Heads are named in native code (native/src/models/head.h).

import { z } from 'zod';
import table from '../../native/architectures.json';
import { excerpt } from '../common/bounded-text';
import { automedError } from '../common/errors';
import { baseArchitectureSchema, channelsSchema, familySchema, fitSchema, resizeSchema } from './manifests';

const namedBaseSchema = z.strictObject({
  family: familySchema,
  architecture: baseArchitectureSchema,
  /**
   * How the images were prepared that the published weights know, where the architecture does not say it. SAM-Med2D's loader
   * and its notebook read with cv2.imread, which gives BGR; its predictor resizes every image by nearest neighbour.
   */
  published: z.strictObject({ fit: fitSchema, channels: channelsSchema, resize: resizeSchema }).optional(),
});

type NamedBase = z.infer<typeof namedBaseSchema>;

/**
 * By name: SAM's three sizes (Kirillov et al. 2023) scale images by their longest side; SAM-Med2D (Cheng et al. 2023), with
 * adapters, pads or stretches them as the paper says. `tiny` (3.8 M parameters with its heads) is for demonstrations, tests and
 * trials; `tiny-sam` is the same without adapters, images fitted alike: SAM's part beside it in comparisons.
 */
export const BASE_ARCHITECTURES: Readonly<Record<string, NamedBase>> = z
  .record(z.string(), namedBaseSchema)
  .parse(table);

export function baseArchitecture(name: string): NamedBase {
  const found = Object.hasOwn(BASE_ARCHITECTURES, name) ? BASE_ARCHITECTURES[name] : undefined;
  if (found) return found;
  const known = Object.keys(BASE_ARCHITECTURES).join(', ');
  throw automedError('INVALID_ARGUMENT', `There is no architecture "${excerpt(name)}"; known are ${known}.`, {
    field: 'arch',
  });
}
