import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { makeFolderSync } from '../../common/make-folder';
import { NotFoundError } from '../../common/errors';
import { BASE_ARCHITECTURES, isRandom, ModelStore, type Task } from '../../store';
import { checkDataExists, checkNamed, isMadeWhenMissing } from '../../worker/protocol/preflight';
import { DEFAULT_SYSTEM, INTERACTIVE, SYSTEMS } from '../../worker/protocol/systems';
import type { FinishedEvent, TrainSpecInput } from '../../worker/protocol/protocol';
import { loadConfig } from '../program/config';
import { InterruptedError, UsageError } from '../program/errors';
import { printJson, printLine, printNote } from '../output/print';
import { score } from '../output/table';
import { TrainingDisplay } from '../output/training-display';
import { queueTraining, type DetachOptions } from '../training/detach';
import { displayEvents } from '../training/display-events';
import { settleEarlierRun } from '../training/unfinished-run';
import { runWorker } from '../training/worker';
import {
  addressOf,
  examples,
  newName,
  number,
  structureList,
  whole,
  withLayout,
  withMaskValues,
  type LayoutOptions,
  type Structure,
  INTENSITY,
} from './options';
import { addRecipeFlags, recipeOverrides, type RecipeOptions } from './recipe-flags';

interface TrainOptions extends DetachOptions, LayoutOptions, RecipeOptions {
  data?: string;
  base: string;
  name: string;
  system?: string;
  home?: string;
  preset: string;
  train: 'head' | 'adapters' | 'encoder';
  seed: number;
  validationFraction: number;
  testFraction: number;
  limit?: number;
  groupColumn?: string;
  intensity?: string;
  masksDir?: string;
  maskValues?: string;
  structure: string;
  structures?: Structure[];
  threshold: number;
  mobilenetWidth?: number;
  se?: 'improved' | 'plain';
  attention?: boolean;
  baseName?: string;
  startFrom?: string;
  backbone?: string;
  device: string;
  threads: number;
  decoders?: number;
  ranks: number;
  jobFolder?: string;
  checkpointSeconds: number;
  keepCheckpoints: number;
  embeddingCache?: number;
  licence?: string;
  resume?: boolean;
  restart?: boolean;
  strict?: boolean;
  allowDataProblems?: boolean;
  pictures: boolean;
  images: boolean;
}

export function trainCommand(): Command {
  const command = new Command('train').description('train a model on a folder of labelled images, on this machine');
  command.addCommand(taskCommand('segmentation'));
  command.addCommand(taskCommand('classification'));
  command.addCommand(baseCommand());
  return examples(command, [
    'automed train segmentation --data data/CVC-ClinicDB --base sam-med2d-vit-b --name polyp',
    'automed train segmentation --data data/isic2017 --base tiny --train encoder --name lesion --epochs 8',
    'automed train classification --data data/brain_mri --base tiny --train encoder --name brain-mri --preset paper',
    'automed train segmentation --data data/drishti_gs --base sam-med2d-vit-b --name optic --structures disc=masks,cup=masks_cup',
    'automed train segmentation --data data/CVC-ClinicDB --base sam-med2d-vit-b --name polyp-autosam --system autosam',
    'automed train base --data data/CVC-ClinicDB --base sam-med2d-vit-b --name sam-med2d-polyps --train adapters',
    'automed train segmentation --data data/CVC-ClinicDB --base sam-med2d-vit-b --name polyp --detach',
  ]);
}

/** Headings of the help. */
const GROUPS = {
  what: 'What to train:',
  recipe: 'Recipe, with the defaults of the preset `default`:',
  data: 'Data:',
  network: 'Network:',
  run: 'Run:',
  result: 'Result:',
  queue: 'Queue of a running server:',
};

function taskCommand(task: Task): Command {
  const command = new Command(task);
  command
    .optionsGroup(GROUPS.what)
    .description(
      task === 'segmentation' ? 'train SAM-AutoMed: images/ + masks/' : 'train SAM-MedCls: one folder per class',
    )
    .option('--data <folder>', 'labelled images; train/, val/ and test/ are used where they exist')
    .requiredOption('--base <base>', 'the encoder to stand on: NAME or NAME@VERSION')
    .requiredOption('--name <name>', 'name of the model; an existing one gets a new version', newName)
    .addOption(new Option('--system <name>', 'what to train').choices(systemsOf(task)).default(DEFAULT_SYSTEM[task]));
  addPresetFlags(command, 'head', 'head: the encoder stays frozen; adapters, encoder: they are trained too');
  addRecipeFlags(command.optionsGroup(GROUPS.recipe), task);
  addDataFlags(command.optionsGroup(GROUPS.data));
  if (task === 'segmentation') addMaskFlags(command);
  command
    .optionsGroup(GROUPS.network)
    .option('--mobilenet-width <factor>', 'channels of the MobileNet, 1 as published', number({ min: 0, open: true }))
    .addOption(new Option('--se <kind>', 'squeeze-and-excitation blocks').choices(['improved', 'plain']))
    .option('--base-name <name>', "with the encoder trained: name of the new base (default: the model's)", newName)
    .option('--start-from <model>', 'continue with the weights of this model')
    .option(
      '--backbone <name>',
      'start the network beside the encoder from imported ImageNet weights (see automed bases import)',
    );
  if (task === 'segmentation') {
    command.option('--threshold <probability>', 'foreground is above it', number({ min: 0, max: 1, open: true }), 0.5);
  } else {
    command.option('--no-attention', "leave out the paper's attention modules");
  }
  addRunFlags(command);
  return command.action((options: TrainOptions) => train(task, options));
}

/** SAM or SAM-Med2D itself, on prompts made from the masks. */
function baseCommand(): Command {
  const command = new Command('base');
  command
    .optionsGroup(GROUPS.what)
    .description('train a base to follow prompts on images/ + masks/, as SAM-Med2D is trained; registers a base')
    .option('--data <folder>', 'images and masks; train/, val/ and test/ are used where they exist')
    .requiredOption('--base <base>', 'the base to begin with: NAME or NAME@VERSION')
    .requiredOption('--name <name>', 'name of the trained base; an existing one gets a new version', newName);
  const part = 'besides prompt encoder and decoder; head: nothing; encoder: all of the encoder';
  addPresetFlags(command, 'adapters', part);
  addRecipeFlags(command.optionsGroup(GROUPS.recipe), 'interactive');
  addDataFlags(command.optionsGroup(GROUPS.data));
  addMaskFlags(command);
  addRunFlags(command);
  return command.action((options: TrainOptions) => train('segmentation', { ...options, system: INTERACTIVE }));
}

function systemsOf(task: Task): string[] {
  return Object.keys(SYSTEMS).filter((name) => SYSTEMS[name]?.task === task && name !== INTERACTIVE);
}

function addPresetFlags(command: Command, train: TrainOptions['train'], what: string): void {
  command
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--preset <name>', 'recipe to start from: default, paper, or a name as paper-autosam', 'default')
    .addOption(new Option('--train <part>', what).choices(['head', 'adapters', 'encoder']).default(train));
}

function addMaskFlags(command: Command): void {
  withMaskValues(command)
    .option('--masks-dir <name>', 'folder of the masks beside images/ (default: masks)')
    .option('--structure <name>', 'what the masks show, e.g. polyp', 'foreground')
    .option('--structures <list>', 'several, each with its folder: disc=masks,cup=masks_cup', structureList);
}

function addDataFlags(command: Command): void {
  withLayout(command)
    .option('--seed <number>', 'of split, initial weights, order and augmentation', whole(0), 0)
    .option(
      '--validation-fraction <share>',
      'where the folder has no val/',
      number({ min: 0, max: 1, open: true }),
      0.2,
    )
    .option(
      '--test-fraction <share>',
      'kept for the test where the folder has no test/',
      number({ min: 0, max: 0.9 }),
      0,
    )
    .option('--limit <count>', 'samples of all parts together at most', whole(3))
    .option('--group-column <name>', 'column of manifest.csv whose groups are never separated')
    .option('--intensity <rule>', INTENSITY)
    .option('--strict', 'stop at the first image that cannot be used; without it such images are named and left out')
    .option('--allow-data-problems', 'train on data whose scores would be wrong (see automed data check)');
}

function addRunFlags(command: Command): void {
  command
    .optionsGroup(GROUPS.run)
    .option('--device <name>', 'cpu, cuda, cuda:N or auto', 'auto')
    .option('--threads <count>', 'LibTorch threads, of all ranks together', whole(1, 1024), availableParallelism())
    .option('--ranks <count>', 'processes that train together, each on --batch images of a step', whole(1, 1024), 1)
    .option('--decoders <count>', 'images decoded at a time (default: 4)', whole(1, 64))
    .option('--job-folder <folder>', 'checkpoints of the run (default: jobs/NAME in the store)')
    .option('--resume', 'go on with the interrupted run of this name, from its last checkpoint')
    .option('--restart', 'delete what an interrupted run of this name left, and begin anew')
    .option('--checkpoint-seconds <seconds>', 'between checkpoints within an epoch; 0: none', number({ min: 0 }), 60)
    .option('--keep-checkpoints <count>', "epochs' checkpoints to keep beside the last and the best", whole(0), 0)
    .option(
      '--embedding-cache <megabytes>',
      'disk for embeddings of a frozen encoder; 0: none (default: a quarter of what is free)',
      number({ min: 0 }),
    )
    .optionsGroup(GROUPS.result)
    .option('--licence <text>', 'what the data allows; recorded with the model')
    .option('--no-pictures', 'keep pictures of the data out of the report')
    .option('--no-images', 'the same')
    .option('--json', 'print one JSON document at the end')
    .optionsGroup(GROUPS.queue)
    .option('--detach', 'queue the training with the running server and print the id of its job; see automed jobs')
    .addOption(
      new Option(
        '--address <host:port>',
        "with --detach: a running gateway (default: the running server of the store); on another machine --data is that machine's path",
      )
        .argParser(addressOf)
        .env('AUTOMED_GATEWAY'),
    )
    .option('--dataset <name>', 'with --detach: a registered data set instead of --data (see automed data register)')
    .option('--request-id <text>', 'with --detach: the same id and flags again name the same job')
    .option('--priority <number>', 'with --detach: higher ones start first', whole(-1000, 1000));
}

async function train(task: Task, options: TrainOptions): Promise<void> {
  const home = resolve(options.home ?? loadConfig().home);
  const data = dataOf(options);
  if (options.detach) {
    refuseLocalFlags(options);
    return queueTraining(trainSpec(task, options, home, ''), data, options);
  }
  const jobFolder = resolve(options.jobFolder ?? join(home, 'jobs', options.name));
  const given = trainSpec(task, options, home, jobFolder);
  // Before anything is made: a base, a folder.
  const store = await storeFor(given);
  await checkNamed(given, store);
  await settleEarlierRun(jobFolder, options);
  await ensureBase(store, options);
  const spec = { ...given, base: await exactBase(store, options) };
  makeFolderSync(jobFolder);
  const display = new TrainingDisplay(options.name);
  const metric = task === 'segmentation' ? 'mdsc' : 'accuracy';
  const result = await runWorker({ type: 'train', spec }, displayEvents(display, metric))
    .catch((error: unknown) => {
      if (!(error instanceof InterruptedError)) throw error;
      throw new InterruptedError('cancelled; the same command with --resume continues from the last checkpoint');
    })
    .finally(() => display.close());
  if (options.json) {
    const { model, base, report, metrics } = result;
    return printJson({ model, base: base ?? spec.base, report, metrics });
  }
  printResult(result, spec.base);
}

/** The store; one that is not there is made only for a training that makes its base, too, and on data that is there. */
async function storeFor(spec: TrainSpecInput): Promise<ModelStore> {
  if (!isMadeWhenMissing(spec)) return ModelStore.existing(spec.store);
  await checkDataExists(spec);
  return ModelStore.open(spec.store);
}

/** The folder to train on; empty when a registered data set is named instead. */
function dataOf({ data, dataset, detach }: TrainOptions): string {
  if ((data === undefined) === (dataset === undefined)) {
    throw new UsageError('what to train on is --data FOLDER, or --dataset NAME with --detach');
  }
  if (data !== undefined) return data;
  if (detach) return '';
  throw new UsageError(
    '--dataset names a data set of a running service: use it with --detach, or give its folder as --data',
  );
}

/** A service has its own store, folders and threads, and resumes its jobs by itself. */
function refuseLocalFlags({ address, home, jobFolder, resume, restart }: TrainOptions): void {
  const store = address === undefined ? undefined : home;
  const local = Object.entries({
    '--home': store,
    '--job-folder': jobFolder,
    '--resume': resume,
    '--restart': restart,
  });
  const given = local.find(([, value]) => value !== undefined)?.[0];
  if (given !== undefined)
    throw new UsageError(`${given} is for a training in this process; leave it out with --detach`);
}

/** With --train encoder the name of an architecture stands for a base with random weights; it is made when missing. */
async function ensureBase(store: ModelStore, { base, train: part, seed }: TrainOptions): Promise<void> {
  if (part !== 'encoder' || !Object.hasOwn(BASE_ARCHITECTURES, base)) return;
  try {
    await store.resolveBase(base);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const made = await runWorker({ type: 'createBase', spec: { store: store.root, name: base, arch: base, seed } });
    printNote(`created the base ${made.base ?? base} with random weights`);
  }
}

/** The version that the run stands on from here to its last line; says when its weights are random and stay so. */
async function exactBase(store: ModelStore, { base, train: part }: TrainOptions): Promise<string> {
  const { manifest } = await store.resolveBase(base);
  const exact = `${manifest.name}@${manifest.version}`;
  if (isRandom(manifest) && part !== 'encoder') {
    printNote(`${exact} has random weights, and its encoder is not trained; --train encoder trains it`);
  }
  return exact;
}

const ENCODER_TRAINING = { head: 'frozen', adapters: 'adapters', encoder: 'all' } as const;

function trainSpec(task: Task, options: TrainOptions, home: string, jobFolder: string): TrainSpecInput {
  const head = {
    mobilenetWidth: options.mobilenetWidth,
    se: options.se,
    // Commander's --no-attention is true when it is not given.
    attention: options.attention === false ? false : undefined,
  };
  return {
    task,
    name: options.name,
    system: options.system,
    data: resolve(dataOf(options)),
    layout: options.layout,
    columns: options.columns,
    masksDir: options.masksDir,
    structures: options.structures,
    groupColumn: options.groupColumn,
    maskValues: options.maskValues,
    intensity: options.intensity,
    testFraction: options.testFraction,
    limit: options.limit,
    validationFraction: options.validationFraction,
    strict: options.strict === true,
    allowProblems: options.allowDataProblems === true,
    store: home,
    base: options.base,
    encoder: ENCODER_TRAINING[options.train],
    baseName: options.baseName,
    startFrom: options.startFrom,
    backbone: options.backbone,
    recipe: options.preset,
    overrides: given(recipeOverrides(options)),
    head: given(head),
    structure: options.structure,
    threshold: options.threshold,
    seed: options.seed,
    device: options.device,
    threads: Math.max(1, Math.floor(options.threads / options.ranks)),
    ranks: options.ranks,
    decodeParallel: options.decoders,
    jobFolder,
    resume: options.resume === true,
    checkpointSeconds: options.checkpointSeconds,
    keepCheckpoints: options.keepCheckpoints,
    ...(options.embeddingCache === undefined ? {} : { embeddingCacheBytes: Math.floor(options.embeddingCache * 1e6) }),
    reportImages: options.pictures && options.images,
    ...(options.licence === undefined ? {} : { licence: options.licence }),
  };
}

/** Without the properties that are undefined: absent and undefined differ for the worker. */
function given<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** The scores of a part that a person asks for; the rest is in the report. */
const HEADLINES = ['mdsc', 'miou', 'accuracy', 'macroF1'];

function printResult({ model, base, report, metrics }: FinishedEvent, from: string): void {
  const parts = [
    model === undefined ? `trained the base ${base ?? '-'} from ${from}` : `trained ${model} on ${base ?? from}`,
  ];
  for (const part of ['validation', 'test']) {
    const values = (metrics[part] ?? {}) as Record<string, unknown>;
    const scores = HEADLINES.flatMap((name) => {
      const value = values[name];
      return typeof value === 'number' ? [`${name} ${score(value)}`] : [];
    });
    if (scores.length > 0) parts.push(`${part} ${scores.join(' ')}`);
    const { point } = values as { point?: { mdsc: number } };
    if (point) parts.push(`${part} with one point mdsc ${score(point.mdsc)}`);
  }
  printLine(`${parts.join(', ')}${report === undefined ? '' : `; report in ${report}`}`);
}
