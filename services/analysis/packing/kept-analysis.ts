// An analysis as the journal keeps it, so that its results can be written again in another encoding without asking the model.

import { z } from 'zod';
import { readMasks, type ResultContext } from '../../dicom-results';
import { termsSchema } from '../../store/terms';
import type { Found, Images } from '../ports';
import { openSeries } from '../series';

const keptSchema = z.object({
  /** Milliseconds since 1970. */
  created: z.number(),
  inputs: z.object({ picturesSha256: z.string(), pixelsSha256: z.string(), window: z.string() }).optional(),
  model: z.object({
    name: z.string(),
    version: z.number(),
    weightsSha256: z.string(),
    baseSha256: z.string().optional(),
    precision: z.string(),
    build: z.string(),
    preprocessing: z.string(),
    threshold: z.number().optional(),
    terms: termsSchema.optional(),
  }),
  structures: z.array(z.object({ name: z.string(), probability: z.number().optional() })).optional(),
});

/** JSON without anything of the patient. */
export function keptText({ context, masks }: Pick<Found, 'context' | 'masks'>): string {
  const { created, inputs, model } = context;
  const structures = masks?.structures.map(({ name, probability }) => ({ name, probability }));
  return JSON.stringify({ created: created.getTime(), inputs, model, structures });
}

interface KeptResult {
  context: string;
  files: readonly string[];
  /** Bytes of the BINARY segmentation. */
  segmentation: Uint8Array;
}

/** @throws ResultError, DicomError; ZodError for a text that keptText() did not write */
export async function reopen(kept: KeptResult, images: Images, inFlight: number): Promise<Found> {
  const { created, inputs, model, structures = [] } = keptSchema.parse(JSON.parse(kept.context));
  const { series, frames, affine, display } = await openSeries(kept.files, images, inFlight);
  const looked = { frames: frames.map(({ reference }) => reference), affine };
  const { terms, baseSha256, threshold, ...identity } = model;
  const context: ResultContext = {
    series,
    created: new Date(created),
    model: {
      ...identity,
      terms,
      ...(baseSha256 === undefined ? {} : { baseSha256 }),
      ...(threshold === undefined ? {} : { threshold }),
    },
    ...(inputs === undefined ? {} : { inputs }),
  };
  const named = structures.map(({ name, probability }) =>
    probability === undefined ? { name } : { name, probability },
  );
  return { context, masks: readMasks(kept.segmentation, looked, named), display };
}
