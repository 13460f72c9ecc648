// Which samples of which data count, as a caller says it.

import { z } from 'zod';
import { intensityTextSchema } from '../../store/intensity';
import { parseMaskValues } from '../masks/mask-values';

export const structureSchema = z.strictObject({
  name: z.string().min(1),
  /** Folder of its masks beside images/, or what the layout calls it. */
  masks: z.string().min(1),
});

/** Values, ranges and colours of masks that are foreground, as `parseMaskValues` reads them. */
const maskValuesSchema = z
  .string()
  .min(1)
  .max(1000)
  .superRefine((text, context) => {
    try {
      parseMaskValues(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });

const csvColumnsSchema = z.strictObject({
  image: z.string().min(1).optional(),
  mask: z.string().min(1).optional(),
  label: z.string().min(1).optional(),
  part: z.string().min(1).optional(),
  group: z.string().min(1).optional(),
});

/** Where samples come from, and which of them count. */
export const dataFields = {
  /** Data folder, or a CSV file. */
  data: z.string(),
  /** A name of LAYOUT_NAMES (default: told by the names of the files). */
  layout: z.string().optional(),
  /** Layout csv: names of its columns. */
  columns: csvColumnsSchema.optional(),
  /** Segmentation: folder of the masks beside images/ (default `masks`). */
  masksDir: z.string().optional(),
  /** Segmentation: what the foreground is. */
  structure: z.string().min(1).default('foreground'),
  /** Segmentation of several structures, each with its own masks; replaces `structure` and `masksDir`. */
  structures: z.array(structureSchema).min(1).max(64).optional(),
  /** Column of manifest.csv whose values a split never separates (default: group, sequence or patient). */
  groupColumn: z.string().optional(),
  /** Share of the training samples that validates, where the folder has no val/. */
  validationFraction: z.number().gt(0).lt(1).default(0.2),
  /** Share of all samples that is kept for the test, where the folder has no test/. */
  testFraction: z.number().min(0).lt(1).default(0),
  /** Samples of all parts together at most, drawn by the seed. */
  limit: z.int().min(3).optional(),
  /** Stop at the first file that cannot be used instead of leaving it out. */
  strict: z.boolean().default(false),
  /** One sample for each mask, where the layout tells masks of one image apart (default: when a base is trained). */
  eachMask: z.boolean().optional(),
  /** Which stored values of masks are foreground: `1,2`, `128-255`, `#ff0000`, `disc=1,2,cup=2` (default: told by each file). */
  maskValues: maskValuesSchema.optional(),
  /** What stored samples mean, as parseIntensity reads it (default: the base's rule, else `full`). */
  intensity: intensityTextSchema.optional(),
  /** Registered data set that the data is; files that changed since its check are refused. */
  dataset: z
    .strictObject({
      /** `name@version`. */
      reference: z.string(),
      /** File of the digests that its check took. */
      digests: z.string(),
      /** s3://BUCKET/PREFIX that `data` is a copy of; the run brings it up to date. */
      copyOf: z.string().optional(),
    })
    .optional(),
  /** Train on data that makes scores wrong: pictures on both sides of a split, contradictions, torn groups. */
  allowDataProblems: z.boolean().default(false),
};

/** What a registered data set is, apart from its name. */
export const datasetSourceSchema = z.strictObject({
  task: z.enum(['segmentation', 'classification']),
  /** Absolute path of a folder or a CSV file, or s3://BUCKET/PREFIX. */
  location: z.string().min(1),
  layout: z.string().optional(),
  structures: z.array(structureSchema).min(1).max(64).optional(),
  groupColumn: z.string().optional(),
  columns: csvColumnsSchema.optional(),
  eachMask: z.boolean().default(false),
  maskValues: maskValuesSchema.optional(),
  intensity: intensityTextSchema.optional(),
});

export type DatasetSource = z.infer<typeof datasetSourceSchema>;

export type DataSelection = z.infer<z.ZodObject<typeof dataFields>>;
