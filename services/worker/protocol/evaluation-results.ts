// What a finished evaluation left on the disk, for everybody who reads it: the service, the reports, and the gates of
// promotions. A result is complete or absent: its folder is written aside and then renamed.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../common/make-folder';
import { automedError } from '../../common/errors';
import {
  errnoOf,
  publishFolder,
  removeFolder,
  storageError,
  sweepTemporaries,
  temporaryName,
} from '../../store/durable';
import { evaluationSpecSchema } from './protocol';
import { estimateSchema } from '../../scoring/metrics/estimate';

const RESULT_FILE = 'result.json';
const SAMPLES_FILE = 'samples.json';
export const REPORT_FOLDER = 'report';

const assessmentSchema = z.looseObject({
  images: z.int(),
  intervals: z.object({
    confidence: z.number(),
    resamples: z.int(),
    seed: z.int(),
    unit: z.enum(['group', 'image']),
    units: z.int(),
    estimates: z.record(z.string(), estimateSchema),
  }),
});

const findingSchema = z.looseObject({
  kind: z.string(),
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  names: z.array(z.string()),
});

const weightsReferenceSchema = z.object({ name: z.string(), version: z.int(), sha256: z.string() });

/** In files the field that says whether data with problems were allowed has the name that it had first. */
const storedSpecSchema = z.preprocess((stored) => {
  if (typeof stored !== 'object' || stored === null || !('allowProblems' in stored)) return stored;
  const { allowProblems, ...spec } = stored;
  return { ...spec, allowDataProblems: allowProblems };
}, evaluationSpecSchema);

function toStored({ spec, ...result }: EvaluationResult): object {
  const { allowDataProblems, ...rest } = spec;
  return { ...result, spec: { ...rest, allowProblems: allowDataProblems } };
}

export const evaluationResultSchema = z.looseObject({
  schema: z.literal(1),
  id: z.string(),
  task: z.enum(['segmentation', 'classification']),
  model: weightsReferenceSchema,
  base: weightsReferenceSchema,
  /** Of the model; the other list is empty. */
  labels: z.object({ classes: z.array(z.string()), structures: z.array(z.string()) }),
  /** As it was run: what the caller left open is filled in. */
  spec: storedSpecSchema,
  dataset: z.looseObject({
    /** sha256 over names and contents of the samples. */
    fingerprint: z.string(),
    /** Files that were left out. */
    skipped: z.int(),
    groupColumn: z.string().nullable(),
    /** Images measured that the model had seen; null: its training recorded none; absent: an evaluation of before. */
    seen: z.int().min(0).nullable().optional(),
    /** What was left out for that, or counts all the same, in words. */
    notes: z.array(z.string()).optional(),
    /** What was found in the data; evaluations of before lack it. */
    findings: z.array(findingSchema).optional(),
  }),
  /** Of a segmentation: probability above which a pixel was foreground. */
  threshold: z.number().nullable(),
  metrics: assessmentSchema,
  codeVersion: z.string(),
  /** Of the evaluation alone. */
  seconds: z.number(),
  /** ISO 8601, UTC. */
  created: z.string(),
});

const structureSchema = z.looseObject({ dice: z.number(), iou: z.number() });

export const scoredSampleSchema = z.object({
  name: z.string(),
  group: z.string().optional(),
  /** What the rows are sorted by: mean Dice, or probability of the true class. */
  score: z.number(),
  widthPx: z.int(),
  heightPx: z.int(),
  structures: z.array(
    structureSchema.extend({
      sensitivity: z.number().nullable(),
      specificity: z.number().nullable(),
      hd95Px: z.number().nullable(),
      asdPx: z.number().nullable(),
      /** Evaluations of before lack it. */
      hd95PenalizedPx: z.number().optional(),
    }),
  ),
  label: z.string().optional(),
  predicted: z.string().optional(),
  probabilities: z.array(z.number()),
});

export type EvaluationResult = z.infer<typeof evaluationResultSchema>;
/** One image of an evaluation, with its classes by name. */
export type EvaluatedSample = z.infer<typeof scoredSampleSchema>;

/** Root of every evaluation's folder; `id` is one that the queue drew, or nothing is found. */
export function evaluationFolder(home: string, id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id)) return join(home, 'evaluations', id);
  throw unknown(id);
}

const unknown = (id: string): Error =>
  automedError('NOT_FOUND', `There is no finished evaluation ${JSON.stringify(id)}.`, { field: 'evaluation' });

async function read<T>(home: string, id: string, file: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(join(evaluationFolder(home, id), file), 'utf8').catch((error: unknown) => {
    throw errnoOf(error) === 'ENOENT' ? unknown(id) : error;
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `The evaluation ${id} is damaged: its ${file} is malformed. Delete it and evaluate again.`;
    throw automedError('CHECKPOINT_CORRUPT', message, { field: 'evaluation', cause });
  }
}

/** @throws NotFoundError also while the evaluation has not finished */
export async function readEvaluation(home: string, id: string): Promise<EvaluationResult> {
  return read(home, id, RESULT_FILE, evaluationResultSchema);
}

/** Every image of a finished evaluation, the worst first. */
export async function readEvaluatedSamples(home: string, id: string): Promise<EvaluatedSample[]> {
  return read(home, id, SAMPLES_FILE, z.array(scoredSampleSchema));
}

/** What a promotion's gates ask of evaluations. */
export class FinishedEvaluations {
  constructor(private readonly home: string) {}

  /** What was evaluated, how, and its scores by name; `mdsc.low` and `mdsc.high` are the ends of an interval. */
  async evaluatedModel(id: string): Promise<EvaluatedModel & { metrics: Record<string, number> }> {
    const { model, base, metrics, threshold, spec, dataset } = await readEvaluation(this.home, id);
    const scores = Object.entries(metrics.intervals.estimates).flatMap(([name, { value, low, high, images }]) => [
      [name, value] as const,
      ...(images === undefined ? [] : [[`${name}.images`, images] as const]),
      ...(low === undefined || high === undefined
        ? []
        : ([
            [`${name}.low`, low],
            [`${name}.high`, high],
          ] as const)),
    ]);
    return {
      name: model.name,
      version: model.version,
      sha256: model.sha256,
      baseSha256: base.sha256,
      threshold,
      part: spec.part,
      seen: dataset.seen ?? null,
      metrics: { images: metrics.images, ...Object.fromEntries(scores) },
    };
  }

  /** Where the images of an evaluation came from, for somebody who wants to look at them again. */
  async evaluationData(id: string) {
    const { spec } = await readEvaluation(this.home, id);
    const { model: _, threshold: _threshold, worstCount: _count, reportImages: _images, ...data } = spec;
    return data;
  }
}

/** Makes a result visible, all of it at once. @param populate writes the report into the folder it is given */
export async function publishEvaluation(
  home: string,
  result: EvaluationResult,
  samples: readonly EvaluatedSample[],
  populate: (folder: string) => Promise<void>,
): Promise<void> {
  const target = evaluationFolder(home, result.id);
  const temporary = join(home, 'evaluations', temporaryName());
  try {
    await makeFolder(temporary);
    await sweepTemporaries(join(home, 'evaluations'));
    const stored = toStored(evaluationResultSchema.parse(result));
    await writeFile(join(temporary, RESULT_FILE), `${JSON.stringify(stored, null, 2)}\n`);
    await writeFile(join(temporary, SAMPLES_FILE), `${JSON.stringify(samples)}\n`);
    await populate(temporary);
    // A worker that died after this, before anybody heard of it, has done its work: the first result stays.
    if (!(await publishFolder(temporary, target))) await rm(temporary, { recursive: true, force: true });
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw storageError(error);
  }
}

/** Deletes a result, pictures and all; nothing when there is none. */
export async function removeEvaluation(home: string, id: string): Promise<void> {
  await removeFolder(evaluationFolder(home, id)).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

/** A finished evaluation, as far as gates need it. */
export interface EvaluatedModel {
  /** Of the model that was evaluated. */
  name: string;
  version: number;
  /** sha256 of the weights that were measured, and of their base's. */
  sha256?: string;
  baseSha256?: string;
  /** Probability above which a pixel was foreground; null: no segmentation. */
  threshold?: number | null;
  /** Part of the data that was measured. */
  part?: string | undefined;
  /** How many of the images the version has seen; null or absent: it has not recorded that. */
  seen?: number | null;
  /** Scores, as the model's manifest has them for one part. */
  metrics: Record<string, unknown>;
}
