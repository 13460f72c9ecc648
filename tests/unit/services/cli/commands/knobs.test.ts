// Every knob of a training, from its flag to the native trainer: none may be lost on the way, or be called otherwise.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Trainer, type TrainerOptions } from '../../../../../native/lib';
import { api } from '../../../../../services/common/grpc/proto';
import type { TrainingSpec, TrainingSpec__Output } from '../../../../../proto/gen/automed/training/v1/TrainingSpec';
import { trainCommand } from '../../../../../services/cli/commands/train';
import { trainSpec, type TrainOptions } from '../../../../../services/cli/commands/train-spec';
import { asSent } from '../../../../../services/cli/training/earlier-run';
import { ModelStore } from '../../../../../services/store';
import { trainingKind } from '../../../../../services/training/domain/jobs/training-kind';
import { createNativeTrainer } from '../../../../../services/worker/adapters/native-trainer';
import {
  trainingJobSpecSchema,
  trainSpecSchema,
  type TrainSpec,
} from '../../../../../services/worker/protocol/protocol';
import { recipeFor, recipeSchema, type Recipe } from '../../../../../services/worker/protocol/recipes';
import { fromSpec, toSpec } from '../../../../../services/worker/protocol/training-spec-message';
import { temporaryFolder } from '../../../../support/data';

const home = temporaryFolder();
const TERMS = { n: { type: { value: '52988006', scheme: 'SCT', meaning: 'Lesion' } } };
const termsFile = join(home, 'terms.json');
writeFileSync(termsFile, JSON.stringify(TERMS));

/** Flags with a value that is no default, and what the worker is told; the name of the field is the flag's. */
const KNOBS: Record<string, [words: string[], told: unknown]> = {
  name: [['--name', 'disc'], 'disc'],
  data: [['--data', '/d'], '/d'],
  base: [['--base', 'tiny@2'], 'tiny@2'],
  system: [['--system', 'automed-plain-se'], 'automed-plain-se'],
  masksDir: [['--masks-dir', 'm'], 'm'],
  structure: [['--structure', 'cup'], 'cup'],
  structures: [
    ['--structures', 'disc=a,cup=b'],
    [
      { name: 'disc', masks: 'a' },
      { name: 'cup', masks: 'b' },
    ],
  ],
  groupColumn: [['--group-column', 'eye'], 'eye'],
  validationFraction: [['--validation-fraction', '0.3'], 0.3],
  testFraction: [['--test-fraction', '0.1'], 0.1],
  limit: [['--limit', '7'], 7],
  strict: [['--strict'], true],
  train: [['--train', 'encoder'], 'encoder'],
  baseName: [['--base-name', 'own'], 'own'],
  startFrom: [['--start-from', 'old@1'], 'old@1'],
  backbone: [['--backbone', 'imagenet@1'], 'imagenet@1'],
  recipe: [['--recipe', 'paper'], 'paper'],
  threshold: [['--threshold', '0.25'], 0.25],
  seed: [['--seed', '9'], 9],
  device: [['--device', 'cpu'], 'cpu'],
  reportImages: [['--no-report-images'], false],
  terms: [['--terms', termsFile], TERMS],
  licence: [['--licence', 'open'], 'open'],
  layout: [['--layout', 'csv'], 'csv'],
  columns: [['--columns', 'image=i,mask=m'], { image: 'i', mask: 'm' }],
  allowDataProblems: [['--allow-data-problems'], true],
  checkpointSeconds: [['--checkpoint-seconds', '5'], 5],
  keepCheckpoints: [['--keep-checkpoints', '2'], 2],
  embeddingCacheBytes: [['--embedding-cache', '3'], 3_000_000],
  ranks: [['--ranks', '2'], 2],
  maskValues: [['--mask-values', '1,2'], '1,2'],
  intensity: [['--intensity', 'dtype'], 'dtype'],
  threads: [['--threads', '4'], 2],
  decodeThreads: [['--decode-threads', '3'], 3],
};

/** Of the recipe, in the same way. */
const RECIPE_KNOBS: Record<keyof Recipe, [words: string[], told: unknown]> = {
  optimizer: [['--optimizer', 'adamw'], 'adamw'],
  learningRate: [['--learning-rate', '0.5'], 0.5],
  weightDecay: [['--weight-decay', '0.2'], 0.2],
  epochs: [['--epochs', '77'], 77],
  batchSize: [['--batch-size', '13'], 13],
  accumulationSteps: [['--accumulation-steps', '5'], 5],
  horizontalFlip: [['--no-horizontal-flip'], false],
  verticalFlip: [['--no-vertical-flip'], false],
  rotationDegrees: [['--rotation-degrees', '12'], 12],
  rotationSteps: [['--rotation-steps', '6'], 6],
  batchNormMomentum: [['--batch-norm-momentum', '0.4'], 0.4],
  batchNorm: [['--batch-norm', 'running'], 'running'],
  gradientClip: [['--gradient-clip', '2'], 2],
  dropout: [['--dropout', '0.3'], 0.3],
  precision: [['--precision', 'auto'], 'auto'],
  schedule: [['--schedule', 'step'], 'step'],
  warmupSteps: [['--warmup-steps', '3'], 3],
  scheduleEpochs: [['--schedule-epochs', '4'], 4],
  scheduleFactor: [['--schedule-factor', '0.7'], 0.7],
  patience: [['--patience', '8'], 8],
  minDelta: [['--min-delta', '0.02'], 0.02],
};

/** Short names of the same flags. */
const ALIASES: Partial<Record<keyof Recipe, string>> = {
  learningRate: '--lr',
  batchSize: '--batch',
  accumulationSteps: '--accumulate',
  horizontalFlip: '--no-hflip',
  verticalFlip: '--no-vflip',
  rotationDegrees: '--rotation',
  batchNormMomentum: '--bn-momentum',
  gradientClip: '--clip',
};

const HEAD_KNOBS: Record<string, [words: string[], told: unknown]> = {
  mobilenetWidth: [['--mobilenet-width', '0.5'], 0.5],
  se: [['--se', 'plain'], 'plain'],
  attention: [['--no-attention'], false],
};

/** Fields of the message that no flag sets: the task is the command's name, the others have an object of their own. */
const WITHOUT_FLAG = ['task', 'overrides', 'head', 'createdBy', 'dataset'];

/** `terms` as the message has them. */
const AS_TEXT = ['termsJson'];

/** What the flags make, as the message that is sent. */
function sent(task: 'segmentation' | 'classification', words: readonly string[]): TrainingSpec__Output {
  const command = trainCommand().commands.find((each) => each.name() === task) as Command;
  const given = ['--name', 'n', '--base', 'b', ...(words.includes('--data') ? [] : ['--data', '/data'])];
  command.exitOverride().parseOptions([...given, ...words]);
  const message: TrainingSpec = toSpec(trainSpec(task, command.opts<TrainOptions>()));
  return asSent(message);
}

/** What a worker is told of a message. */
async function told(message: TrainingSpec__Output): Promise<TrainSpec> {
  const kind = trainingKind({ concurrency: 1, threadsPerJob: 8 }, await ModelStore.open(home));
  const spec = trainingJobSpecSchema.parse(fromSpec(message));
  const command = kind.command(spec, { jobId: 'job', jobFolder: '/job', store: home, threads: 8 });
  if (command.type !== 'train') throw new Error('a training was expected');
  return trainSpecSchema.parse(JSON.parse(JSON.stringify(command.spec)));
}

/** Names of the fields of a message of the training service, as TypeScript has them. */
function fieldsOf(message: 'TrainingSpec' | 'RecipeOverrides' | 'HeadOverrides'): string[] {
  const { type } = api()[`automed.training.v1.${message}`] as unknown as { type: { field: { name: string }[] } };
  return type.field.map(({ name }) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

/** What the loop of epochs does itself; the rest of a recipe is the native trainer's. */
const OF_THE_LOOP: readonly (keyof Recipe)[] = [
  ...(['epochs', 'batchNorm', 'schedule', 'warmupSteps', 'scheduleEpochs', 'scheduleFactor', 'patience'] as const),
  'minDelta',
];

/** What the native trainer is asked for; nothing is trained. */
async function nativeOptions(spec: TrainSpec): Promise<Partial<TrainerOptions>> {
  const create = jest.spyOn(Trainer, 'create').mockRejectedValue(new Error('asked'));
  try {
    const settings = {
      ...{ task: spec.task, device: spec.device, threads: spec.threads, seed: spec.seed, threshold: spec.threshold },
      ...{ baseArchitecture: {}, baseWeightsPath: '/b', headArchitecture: null, preprocessing: null },
      ...{ headWeightsPath: null, backboneWeightsPath: null, structures: 1, processGroup: null, cachePath: '/c' },
      train: spec.train,
      recipe: recipeFor('segmentation', spec.recipe, spec.overrides),
    };
    await expect(createNativeTrainer(settings)).rejects.toThrow('asked');
    return create.mock.calls[0]?.[0] ?? {};
  } finally {
    create.mockRestore();
  }
}

describe('every knob of a training', () => {
  it('has a flag, or says why not', () => {
    const known = [...Object.keys(KNOBS), ...WITHOUT_FLAG, ...AS_TEXT];
    expect(fieldsOf('TrainingSpec').filter((name) => !known.includes(name))).toEqual([]);
    expect(fieldsOf('RecipeOverrides').filter((name) => !(name in RECIPE_KNOBS))).toEqual([]);
    expect(fieldsOf('HeadOverrides').filter((name) => !(name in HEAD_KNOBS))).toEqual([]);
    // Of the worker's specification what callers do not say is the service's own.
    const own = ['store', 'jobFolder', 'resume', 'jobId', 'checkpointSteps', 'eachMask'];
    const rest = Object.keys(trainSpecSchema.shape).filter((name) => ![...known, ...own].includes(name));
    expect(rest).toEqual([]);
    expect(Object.keys(recipeSchema.shape).sort()).toEqual(Object.keys(RECIPE_KNOBS).sort());
  });

  it.each(Object.entries(KNOBS))('%s reaches the worker under its own name', async (name, [words, value]) => {
    const plain = await told(sent('segmentation', words.includes('--threads') ? ['--ranks', '2'] : []));
    const spec = await told(sent('segmentation', words.includes('--threads') ? [...words, '--ranks', '2'] : words));
    expect(spec).toHaveProperty([name], value);
    expect(plain[name as keyof TrainSpec]).not.toEqual(value);
  });

  it.each(Object.entries(RECIPE_KNOBS))('%s of the recipe reaches the trainer', async (name, [words, value]) => {
    const { recipe, overrides } = await told(sent('segmentation', words));
    expect(overrides).toEqual({ [name]: value });
    expect(recipeFor('segmentation', recipe, overrides)).toHaveProperty([name], value);
  });

  it.each(Object.entries(KNOBS))('%s has a flag of its name', (name, [[flag = '']]) => {
    // The cache's flag is in megabytes, so without the unit of the field.
    const named = name === 'embeddingCacheBytes' ? 'embeddingCache' : name;
    expect(flag.replace(/^--(no-)?/, '')).toBe(named.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  });

  it.each(['--no-images', '--no-pictures'])('the former flag %s is still understood', async (word) => {
    expect(await told(sent('segmentation', [word]))).toMatchObject({ reportImages: false });
  });

  it.each(Object.entries(RECIPE_KNOBS))('%s of the recipe has a flag of its name', (name, [[flag = '']]) => {
    expect(flag.replace(/^--(no-)?/, '')).toBe(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  });

  it.each(Object.entries(ALIASES))('%s of the recipe has a short flag as well', async (name, alias) => {
    const [[, ...value], expected] = RECIPE_KNOBS[name as keyof Recipe];
    expect((await told(sent('segmentation', [alias, ...value]))).overrides).toEqual({ [name]: expected });
  });

  it.each(Object.entries(HEAD_KNOBS))('%s of the head reaches the worker', async (name, [words, value]) => {
    const { head } = await told(sent(name === 'attention' ? 'classification' : 'segmentation', words));
    expect(head).toEqual({ [name]: value });
  });

  it('is told to the native trainer, as far as it is its own', async () => {
    const all = Object.values(RECIPE_KNOBS).flatMap(([words]) => words);
    const more = ['device', 'seed', 'threshold', 'train'].flatMap((name) => KNOBS[name]?.[0] ?? []);
    const options = await nativeOptions(await told(sent('segmentation', [...all, ...more])));
    const native = Object.entries(RECIPE_KNOBS).filter(([name]) => !OF_THE_LOOP.includes(name as keyof Recipe));
    expect(options).toMatchObject(Object.fromEntries(native.map(([name, [, value]]) => [name, value])));
    expect(options).toMatchObject({ device: 'cpu', seed: 9, threshold: 0.25, train: 'encoder' });
    for (const name of OF_THE_LOOP) expect(options).not.toHaveProperty([name]);
  });
});
