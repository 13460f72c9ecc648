// What a training worker is told and what it tells, as messages of Node's IPC channel. The parent sends one start message
// (`train`, `evaluateBase`, `createBase`, `importBase` or `importBackbone`) and may send `cancel`; the worker ends with exactly
// one `finished` or `failed` and exits.

import { z } from 'zod';
import { alarmSchema } from './alarms';
import { epochMetricsSchema } from '../../scoring/results/epoch-metrics';
import { dataFields, datasetSourceSchema } from '../../datasets/samples/data-selection';
import { nameSchema } from '../../store/manifests';
import { termsSchema } from '../../store/terms';
import { recipeSchema } from './recipes';
import { evaluationFields } from './evaluation-protocol';
import { importBackboneSpecSchema, importReportSchema, importSpecSchema } from './import-protocol';

/** What is trained: the head alone, the encoder's adapters with it, or all of the encoder. */
export const trainedPartSchema = z.enum(['head', 'adapters', 'encoder']);

/** Names the folders of a job below the store. */
const jobIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,127}$/, 'must be 1 to 128 of A-Z a-z 0-9 _ . - and begin with a letter or digit');

/** The machine's share of a run. */
const machineFields = {
  device: z.string().default('cpu'),
  /** Images decoded at a time while samples are loaded; what is loaded does not depend on it (default: 4). */
  decodeThreads: z.int().min(1).max(64).optional(),
  /** LibTorch threads. */
  threads: z.int().min(1).max(1024),
  /** Folder of the run's checkpoints and caches. */
  jobFolder: z.string(),
};

export const trainSpecSchema = z.strictObject({
  task: z.enum(['segmentation', 'classification']),
  /** A name of SYSTEMS; default: the paper's own of the task. `interactive` trains the base itself. */
  system: z.string().optional(),
  /** Name of the model to register, or of the base when that is what is trained. */
  name: nameSchema,
  ...dataFields,
  /** Root of the model store. */
  store: z.string(),
  /** Base to stand on: `name` or `name@version`. */
  base: z.string(),
  /** With more than the head a new version of the base is registered, too. */
  train: trainedPartSchema.default('head'),
  /** Name for that version (default: the model's). */
  baseName: nameSchema.optional(),
  /**
   * Model to start from: `name`, `name@version` or `name@alias`; default: random weights. Of a model of the other task the
   * MobileNet is taken over, which must have the same width and blocks.
   */
  startFrom: z.string().optional(),
  /** Imported backbone whose weights the head's MobileNet starts from: `name` or `name@version`. */
  backbone: z.string().optional(),
  /** `default`, `paper`, or a name of RECIPES. */
  recipe: z.string().default('default'),
  overrides: recipeSchema.partial().default({}),
  /** Departures from the default head. */
  head: z
    .strictObject({
      mobilenetWidth: z.number().positive().optional(),
      se: z.enum(['improved', 'plain']).optional(),
      attention: z.boolean().optional(),
    })
    .default({}),
  threshold: z.number().gt(0).lt(1).default(0.5),
  /** Of the split, the initial weights, the order of samples and the augmentation. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  ...machineFields,
  /** Processes that train together, each on batchSize images of a step; each has `threads` threads. */
  ranks: z.int().min(1).max(4096).default(1),
  /** Continue from the last checkpoint in jobFolder when there is one. */
  resume: z.boolean().default(false),
  /** Seconds between two checkpoints within an epoch, at least ten times what writing one takes; 0: none. */
  checkpointSeconds: z.number().min(0).default(60),
  /** Batches between two checkpoints within an epoch, whatever the time. */
  checkpointSteps: z.int().min(1).optional(),
  /** Checkpoints at the end of an epoch that are kept beside the last and the best. */
  keepCheckpoints: z.int().min(0).max(100_000).default(0),
  /** Disk for embeddings of a frozen encoder in jobFolder, bytes; 0: none are kept; default: a quarter of what is free. */
  embeddingCacheBytes: z.int().min(0).optional(),
  /** Pictures of the data in the report. */
  reportImages: z.boolean().default(true),
  licence: z.string().default('not stated; research use'),
  /** Coded terms of structures or classes, recorded with the model. */
  terms: termsSchema.optional(),
  /** Id of the job that this run belongs to, recorded with what it registers. */
  jobId: jobIdSchema.optional(),
  /** Who asked for the run, recorded as well (default: the user of the process). */
  createdBy: z.string().min(1).optional(),
});

export const createBaseSpecSchema = z.strictObject({
  store: z.string(),
  name: nameSchema,
  /** A name of BASE_ARCHITECTURES. */
  arch: z.string(),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
});

/** Measures a base with prompts made from the true masks: their boxes, and one point in each. */
export const evaluateBaseSpecSchema = z.strictObject({
  ...dataFields,
  ...machineFields,
  store: z.string(),
  base: z.string(),
  part: z.enum(['train', 'validation', 'test']).default('test'),
  batchSize: z.int().min(1).max(4096).default(4),
  /** Of the split, and of the points. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
});

/** Measures how alike two versions answer on the images that an evaluation of the candidate would measure. */
export const compareModelsSpecSchema = z.strictObject({
  ...dataFields,
  store: z.string(),
  /** `name@version` of each. */
  candidate: z.string(),
  current: z.string(),
  part: z.enum(['unseen', 'train', 'validation', 'test', 'all']).default('test'),
  limit: evaluationFields.limit,
  device: z.string().default('cpu'),
  threads: z.int().min(1).max(1024),
  /** Of the split. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
});

/** Measures a model as it is served, on any labelled images. */
export const evaluationSpecSchema = z.strictObject({ ...dataFields, ...evaluationFields });

/** The same, told to a worker. */
export const evaluateSpecSchema = evaluationSpecSchema.extend({
  /** Names the result. */
  id: jobIdSchema,
  store: z.string(),
  /** LibTorch threads. */
  threads: z.int().min(1).max(1024),
});

/** Opens every file of a registered data set. */
export const checkDatasetSpecSchema = z.strictObject({
  source: datasetSourceSchema,
  /** Where the digests of its samples are kept. */
  digests: z.string(),
  /** Folder of the copy, of a location in an object store. */
  cache: z.string(),
});

/** Puts the images of a data set that have no label into an order. */
export const orderLabelsSpecSchema = z.strictObject({
  ...dataFields,
  task: z.enum(['segmentation', 'classification']),
  store: z.string(),
  base: z.string(),
  /** Images to name. */
  count: z.int().min(1).max(1000).default(100),
  /** Labelled images that are encoded at most. */
  limit: z.int().min(60).max(20_000).default(2000),
  device: z.string().default('cpu'),
  threads: z.int().min(1).max(1024),
  /** Of what is drawn. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
});

export const workerCommandSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('train'), spec: trainSpecSchema }),
  z.strictObject({ type: z.literal('createBase'), spec: createBaseSpecSchema }),
  z.strictObject({ type: z.literal('importBase'), spec: importSpecSchema }),
  z.strictObject({ type: z.literal('evaluateBase'), spec: evaluateBaseSpecSchema }),
  z.strictObject({ type: z.literal('compareModels'), spec: compareModelsSpecSchema }),
  z.strictObject({ type: z.literal('evaluate'), spec: evaluateSpecSchema }),
  z.strictObject({ type: z.literal('importBackbone'), spec: importBackboneSpecSchema }),
  z.strictObject({ type: z.literal('checkDataset'), spec: checkDatasetSpecSchema }),
  z.strictObject({ type: z.literal('orderLabels'), spec: orderLabelsSpecSchema }),
  z.strictObject({ type: z.literal('cancel') }),
]);

export type TrainSpec = z.infer<typeof trainSpecSchema>;
export type TrainSpecInput = z.input<typeof trainSpecSchema>;
export type EvaluateBaseSpec = z.infer<typeof evaluateBaseSpecSchema>;
export type CompareModelsSpec = z.infer<typeof compareModelsSpecSchema>;
export type CompareModelsSpecInput = z.input<typeof compareModelsSpecSchema>;
export type EvaluationSpec = z.infer<typeof evaluationSpecSchema>;
export type EvaluateSpec = z.infer<typeof evaluateSpecSchema>;
export type OrderLabelsSpec = z.infer<typeof orderLabelsSpecSchema>;
export type OrderLabelsSpecInput = z.input<typeof orderLabelsSpecSchema>;
export type CheckDatasetSpec = z.infer<typeof checkDatasetSpecSchema>;
export type TrainedPart = z.infer<typeof trainedPartSchema>;
export type CreateBaseSpec = z.infer<typeof createBaseSpecSchema>;
export type WorkerCommand = z.input<typeof workerCommandSchema>;

export const workerEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('started'),
    samples: z.object({ train: z.int(), validation: z.int(), test: z.int() }),
    /** Files that were left out; each was named in a `log` event. */
    skipped: z.int(),
    classes: z.array(z.string()),
    trainableParameters: z.number(),
    epochs: z.int(),
    /** First epoch of this run, from 1; above 1 after a resume. */
    firstEpoch: z.int(),
    /** Of the epochs before that one, for who has missed some of them. */
    history: z.array(epochMetricsSchema).optional(),
  }),
  /** While samples are decoded, before `started`. */
  z.object({ type: z.literal('preparing'), done: z.int(), total: z.int() }),
  z.object({
    type: z.literal('step'),
    /** From 1. */
    epoch: z.int(),
    /** Of the whole run, from 1. */
    step: z.int(),
    /** Mean over the epoch so far. */
    loss: z.number(),
    imagesPerSecond: z.number(),
    /** Of the whole run, 0 to 1. */
    progress: z.number(),
    etaSeconds: z.number(),
  }),
  z.object({
    type: z.literal('epoch'),
    metrics: epochMetricsSchema,
    best: z.boolean(),
    /** That it took, and of them those in which its steps waited for samples to be read and augmented. */
    seconds: z.number(),
    dataWaitSeconds: z.number().optional(),
  }),
  /** After an epoch of a job: validation images with what the model makes of them. */
  z.object({
    type: z.literal('preview'),
    epoch: z.int(),
    /** PNG in the job's folder of previews. */
    file: z.string().regex(/^epoch-\d+\.png$/),
    /** Row by row. */
    pictures: z.array(z.object({ name: z.string(), caption: z.string() })),
  }),
  /** After an epoch: what is wrong with the training now, in place of what was said before. */
  z.object({ type: z.literal('alarms'), epoch: z.int(), alarms: z.array(alarmSchema) }),
  z.object({ type: z.literal('log'), level: z.enum(['info', 'warn']), message: z.string() }),
  z.object({
    type: z.literal('finished'),
    /** `name@version` of the model, when one was trained. */
    model: z.string().optional(),
    /** `name@version` of the base, when one was created or trained. */
    base: z.string().optional(),
    /** Folder of the report's files. */
    report: z.string().optional(),
    /** `name@version` of the backbone, when one was imported. */
    backbone: z.string().optional(),
    /** Of an import. */
    imported: importReportSchema.optional(),
    metrics: z.record(z.string(), z.unknown()),
  }),
  z.object({
    type: z.literal('failed'),
    code: z.string(),
    message: z.string(),
    field: z.string().optional(),
  }),
]);

export type WorkerEvent = z.infer<typeof workerEventSchema>;
export type FinishedEvent = Extract<WorkerEvent, { type: 'finished' }>;

/** What a caller says of a training; the rest of a run's specification is the service's. */
export const trainingJobSpecSchema = trainSpecSchema
  .omit({ store: true, jobFolder: true, threads: true, resume: true, jobId: true })
  .extend({
    device: trainSpecSchema.shape.device.unwrap().default('auto'),
    /** LibTorch threads of all ranks together (default: what the service has for the training). */
    threads: z.int().min(1).max(1024).optional(),
  });

export type TrainingJobSpec = z.infer<typeof trainingJobSpecSchema>;

export type TrainingJobSpecInput = z.input<typeof trainingJobSpecSchema>;

/** Where a worker's events go. */
export type Emit = (event: WorkerEvent) => void;
