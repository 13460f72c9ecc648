// base.json and model.json. Fields that a later version adds are kept as they are.

import { z } from 'zod';
import { intensitySchema, type Intensity } from './intensity';
import { termsSchema } from './terms';
import { reducedPrecisionSchema } from './precision-agreement';

/** Names become folders: no separator, no leading dot. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9\-_.]{0,62}$/, 'must be 1 to 63 of a-z 0-9 - _ . and begin with a letter or digit');

/** An alias begins with a letter, so that it is never taken for a version. */
export const aliasSchema = z
  .string()
  .regex(/^[a-z][a-z0-9\-_.]{0,62}$/, 'must be 1 to 63 of a-z 0-9 - _ . and begin with a letter');

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const versionSchema = z.int().min(1);

const weightsSchema = z.object({
  /** File name within the version's folder. */
  file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/),
  sha256: sha256Schema,
  bytes: z.int().min(0),
});

export const familySchema = z.enum(['sam', 'sam-med2d']);

/**
 * How images are brought to the square input: the paper's way (small ones padded, others stretched), SAM's (longest side,
 * padded right and below), or SAM-Med2D's predictor's (always stretched).
 */
export const fitSchema = z.enum(['pad-or-stretch', 'longest-side', 'stretch']);
/** In which order the network sees the colours. */
export const channelsSchema = z.enum(['rgb', 'bgr']);
export const resizeSchema = z.enum(['bilinear', 'nearest']);
/** How levels that come with a window of their own (DICOM's, of more than 8 bits) reach the network: rounded to 8 bits, or as they are. */
export const levelsSchema = z.enum(['rounded', 'exact']);

export const baseArchitectureSchema = z.looseObject({
  image_size: z.int().min(16),
  patch_size: z.int().min(1),
  embed_dim: z.int().min(1),
  depth: z.int().min(1),
  heads: z.int().min(1),
  window_size: z.int().min(0),
  global_blocks: z.array(z.int().min(0)),
  out_channels: z.int().min(1),
  adapter: z.boolean(),
  fit: fitSchema.default('pad-or-stretch'),
  /** Absent: RGB. */
  channels: channelsSchema.optional(),
  /** Absent: bilinear. */
  resize: resizeSchema.optional(),
  /** Absent: full. */
  intensity: intensitySchema.optional(),
  /** Absent: rounded. */
  levels: levelsSchema.optional(),
  decoder: z.looseObject({
    depth: z.int().min(1),
    heads: z.int().min(1),
    mlp_dim: z.int().min(1),
    iou_hidden: z.int().min(1),
    multimask_outputs: z.int().min(1),
  }),
});

const mobilenetSchema = z.looseObject({ width: z.number().positive(), se: z.enum(['improved', 'plain']) });

/** Native code reads these strictly; absent fields have the paper's values. */
export const headArchitectureSchema = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('sam-automed'),
    mobilenet: mobilenetSchema,
    /** `frozen`: it draws with the base's mask decoder. */
    decoder: z.enum(['own', 'frozen']).optional(),
    /** Masks that it draws. */
    structures: z.int().min(1).optional(),
  }),
  z.looseObject({
    kind: z.literal('sam-medcls'),
    /** What it classifies by; with `encoder` there is no MobileNet, and only with `both` there is attention. */
    features: z.enum(['both', 'encoder', 'mobilenet']).optional(),
    mobilenet: mobilenetSchema.optional(),
    attention: z.boolean().optional(),
    classes: z.int().min(2),
  }),
  z.looseObject({
    kind: z.literal('autosam'),
    hardnet: z.looseObject({
      width: z.number().positive(),
      block_layers: z.int().min(1),
      input_size: z.int().min(32),
    }),
  }),
]);

/**
 * The manifests' schema. Fields that a reader may overlook are optional and do not raise it; it rises when an older
 * program would misread a version, and that program then refuses the version by this number.
 */
export const MANIFEST_SCHEMA = 1;

const recordedFields = {
  schema: z.literal(MANIFEST_SCHEMA),
  name: nameSchema,
  version: versionSchema,
  weights: weightsSchema,
  /** sha256 of what else the version's folder holds, by path: the report, the card, the golden image. */
  files: z.record(z.string(), sha256Schema).optional(),
  /** ISO 8601, UTC. */
  created: z.iso.datetime(),
};

const baseReferenceSchema = z.object({ name: nameSchema, version: versionSchema, sha256: sha256Schema });

/** What a run computed on. */
const hardwareSchema = z.looseObject({
  /** Model name of the processor. */
  cpu: z.string(),
  /** LibTorch threads. */
  threads: z.int().min(1),
  /** `cpu`, `cuda:0`, ... */
  device: z.string(),
  /** Memory that the process could use, bytes. */
  memoryBytes: z.int().min(0),
});

/** How weights were trained: the recipe's numbers, and what is needed to tell the run. Runs of before may lack any field. */
const trainingSchema = z.looseObject({
  /** Id of the training job that made the version. */
  job: z.string().min(1).optional(),
  createdBy: z.string().optional(),
  /** Of the initial weights, the order of samples and the augmentation. */
  seed: z.int().min(0).optional(),
  /** From the first step to the last score. */
  seconds: z.number().min(0).optional(),
  /** The model or backbone whose weights the run began with. */
  startedFrom: baseReferenceSchema.optional(),
  hardware: hardwareSchema.optional(),
});

/** What weights were trained on. */
const datasetSchema = z.looseObject({
  /** Registered data set, `name@version`; absent: a folder that nobody registered. */
  reference: z.string().optional(),
  /** sha256 over names and contents of all samples. */
  fingerprint: z.string(),
  /** Samples of each part. */
  samples: z.record(z.string(), z.int().min(0)).optional(),
  /** How parts that the folder did not have were split off. */
  split: z.looseObject({ seed: z.int().min(0), validationFraction: z.number(), testFraction: z.number() }).optional(),
  /** Column whose values no part shares with another. */
  groupColumn: z.string().nullable().optional(),
  /** Stored values of masks that were foreground, as they were stated; absent: told by each file. */
  maskValues: z.string().optional(),
  /** Samples of measured parts that the base or the starting model had been trained on, by part. */
  seenBefore: z.partialRecord(z.enum(['validation', 'test']), z.int().min(0)).optional(),
});

export const baseManifestSchema = z.looseObject({
  ...recordedFields,
  family: familySchema,
  architecture: baseArchitectureSchema,
  /** Parameter count. */
  parameters: z.int().min(0),
  /** Where the weights come from, in words. */
  origin: z.string(),
  licence: z.string(),
  /** Of a trained base: the one it began as, how it was trained, and how well it follows prompts or serves its head. */
  trainedFrom: baseReferenceSchema.optional(),
  training: trainingSchema.optional(),
  metrics: z.record(z.string(), z.unknown()).optional(),
  dataset: datasetSchema.optional(),
  /** Version of the program that trained it. */
  codeVersion: z.string().optional(),
  /** Name of the model that it was trained with; absent when it was trained alone, or before this was recorded. */
  trainedWith: nameSchema.optional(),
});

/** How the origin of weights that were drawn at random begins. */
export const RANDOM_ORIGIN = 'random weights of architecture';

/** Whether nothing of a base was ever trained. */
export function isRandom({ origin, trainedFrom }: BaseManifest): boolean {
  return trainedFrom === undefined && origin.startsWith(RANDOM_ORIGIN);
}

/** How images are brought to a model's input. */
export const preprocessingSchema = z.looseObject({
  image_size: z.int().min(16),
  /** On the 0-255 scale, position by position of the channel order. */
  mean: z.array(z.number()).length(3),
  std: z.array(z.number()).length(3),
  fit: fitSchema,
  channels: channelsSchema.optional(),
  resize: resizeSchema.optional(),
  intensity: intensitySchema.optional(),
  levels: levelsSchema.optional(),
});

/** The image with a known answer that lies beside the weights (see golden.ts). */
const goldenReferenceSchema = z.object({
  file: z.string().regex(/^([A-Za-z0-9][\w.-]*\/)*[A-Za-z0-9][\w.-]*$/),
  sha256: sha256Schema,
});

const modelFields = {
  ...recordedFields,
  base: baseReferenceSchema,
  preprocessing: preprocessingSchema,
  architecture: headArchitectureSchema,
  training: trainingSchema,
  metrics: z.record(z.string(), z.unknown()),
  dataset: datasetSchema,
  codeVersion: z.string(),
  licence: z.string(),
  golden: goldenReferenceSchema.optional(),
  /** How it answers with its encoder in reduced precision; absent: never measured, and so never served that way. */
  reducedPrecision: reducedPrecisionSchema.optional(),
  /** Coded terms of its structures or classes; without them no DICOM objects are made of its answers. */
  terms: termsSchema.optional(),
};

export const modelManifestSchema = z.discriminatedUnion('task', [
  z.looseObject({
    ...modelFields,
    task: z.literal('segmentation'),
    structures: z.array(z.string().min(1)).min(1),
    /** Probability above which a pixel is foreground. */
    threshold: z.number().gt(0).lt(1),
  }),
  z.looseObject({ ...modelFields, task: z.literal('classification'), classes: z.array(z.string().min(1)).min(2) }),
]);

/** ImageNet weights that a head's own network starts from. */
export const backboneManifestSchema = z.looseObject({
  ...recordedFields,
  architecture: z.discriminatedUnion('kind', [
    z.looseObject({ kind: z.literal('mobilenet-v3-large'), se: z.enum(['improved', 'plain']) }),
    z.looseObject({ kind: z.literal('hardnet-85') }),
  ]),
  /** Names of tensors that the published file does not have: random, left to train. */
  untrained: z.array(z.string()),
  /** Where the weights come from, in words. */
  origin: z.string(),
  licence: z.string(),
});

export type Family = z.infer<typeof familySchema>;
export type BaseArchitecture = z.infer<typeof baseArchitectureSchema>;
export type HeadArchitecture = z.infer<typeof headArchitectureSchema>;
export type BaseManifest = z.infer<typeof baseManifestSchema>;
export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type BackboneManifest = z.infer<typeof backboneManifestSchema>;
export type BackboneArchitecture = BackboneManifest['architecture'];
export type Task = ModelManifest['task'];
export type Hardware = z.infer<typeof hardwareSchema>;
export type GoldenReference = z.infer<typeof goldenReferenceSchema>;

/** What the store fills in itself. */
type Recorded = 'schema' | 'version' | 'weights' | 'files' | 'created';
/** Fields of a loose object, without its index signature, so that Omit keeps the names. */
type Known<T> = { [K in keyof T as string extends K ? never : K]: T[K] };
type Draft<T> = T extends unknown ? Omit<Known<T>, Recorded> : never;

export type BaseDraft = Draft<BaseManifest>;
export type ModelDraft = Draft<ModelManifest>;
export type BackboneDraft = Draft<BackboneManifest>;

export type Preprocessing = z.infer<typeof preprocessingSchema>;
/** What native code is told of it; mean and deviation are always SAM's. */
export type InputRule = Pick<Preprocessing, 'fit' | 'channels' | 'resize' | 'intensity' | 'levels'>;

/** The mean and deviation of SAM's training images, on the 0-255 scale, and what the base's weights know. */
export function standardPreprocessing(base: BaseArchitecture): Preprocessing {
  const { channels, resize, intensity, levels } = base;
  return {
    image_size: base.image_size,
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
    fit: base.fit,
    ...(channels === undefined ? {} : { channels }),
    ...(resize === undefined ? {} : { resize }),
    ...(intensity === undefined ? {} : { intensity }),
    ...(levels === undefined ? {} : { levels }),
  };
}

/**
 * How a head's images are prepared: as its base's, and as its data's values ask. SAM-AutoMed keeps the paper's bilinear resizing, which pads small images,
 * in its base's channel order.
 */
export function headPreprocessing(
  { kind }: Pick<HeadArchitecture, 'kind'>,
  base: BaseArchitecture,
  intensity?: Intensity,
): Preprocessing {
  const inherited = { ...standardPreprocessing(base), ...(intensity === undefined ? {} : { intensity }) };
  if (kind !== 'sam-automed' || (inherited.resize ?? 'bilinear') === 'bilinear') return inherited;
  return { ...inherited, fit: inherited.fit === 'stretch' ? 'pad-or-stretch' : inherited.fit, resize: 'bilinear' };
}

/**
 * The text that native code reads; defaults are left out, so that equal texts mean equal preprocessing, and versions from
 * before there were `channels`, `resize`, `intensity` and `levels` say what they said.
 */
export function inputRuleText({
  fit,
  channels = 'rgb',
  resize = 'bilinear',
  intensity,
  levels = 'rounded',
}: InputRule): string {
  return JSON.stringify({
    fit,
    ...(channels === 'rgb' ? {} : { channels }),
    ...(resize === 'bilinear' ? {} : { resize }),
    ...(intensity === undefined || intensity.policy === 'full' ? {} : { intensity }),
    ...(levels === 'rounded' ? {} : { levels }),
  });
}
