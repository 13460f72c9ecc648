import { Command, Option } from 'commander';
import type { Task } from '../../store';
import { DEFAULT_SYSTEM, INTERACTIVE, SYSTEMS } from '../../worker/protocol/systems';
import { UsageError } from '../program/errors';
import { printJson, printLine } from '../../terminal/print';
import { stateOf } from '../../terminal/state';
import { ON_INTERRUPT } from '../training/interrupt';
import { resultOf, resultText } from '../../terminal/trained-result';
import { runTraining } from '../training/run';
import {
  connected,
  examples,
  newName,
  number,
  structureList,
  termsOf,
  whole,
  withLayout,
  withMaskValues,
  INTENSITY,
} from './options';
import { addRecipeFlags } from './recipe-flags';
import { trainSpec, type TrainOptions } from './train-spec';

export function trainCommand(): Command {
  const command = new Command('train').description(
    'train a model on labelled images, as a job of the running server or on this machine',
  );
  command.addCommand(taskCommand('segmentation'));
  command.addCommand(taskCommand('classification'));
  command.addCommand(baseCommand());
  return examples(command, [
    'automed train segmentation --data data/CVC-ClinicDB --base sam-med2d-vit-b --name polyp',
    'automed train segmentation --data data/isic2017 --base tiny --train encoder --name lesion --epochs 8',
    'automed train classification --data data/brain_mri --base tiny --train encoder --name brain-mri --recipe paper',
    'automed train segmentation --data data/drishti_gs --base sam-med2d-vit-b --name optic --structures disc=masks,cup=masks_cup',
    'automed train segmentation --data data/CVC-ClinicDB --base sam-med2d-vit-b --name polyp-autosam --system autosam',
    'automed train base --data data/CVC-ClinicDB --base sam-med2d-vit-b --name sam-med2d-polyps --train adapters',
    'automed train segmentation --data data/CVC-ClinicDB --base sam-med2d-vit-b --name polyp --detach',
  ]);
}

/** Headings of the help. */
const GROUPS = {
  what: 'What to train:',
  recipe: 'Recipe, with the numbers of `default`:',
  data: 'Data:',
  network: 'Network:',
  run: 'Run:',
  result: 'Result:',
  job: 'Job:',
};

function taskCommand(task: Task): Command {
  const command = new Command(task);
  command
    .optionsGroup(GROUPS.what)
    .description(
      task === 'segmentation' ? 'train SAM-AutoMed: images/ + masks/' : 'train SAM-MedCls: one folder per class',
    )
    .option(
      '--data <folder>',
      "labelled images on the service's machine; train/, val/ and test/ are used where they exist",
    )
    .option('--dataset <name>', 'a registered data set instead (see automed data register)')
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
    .option(
      '--data <folder>',
      "images and masks on the service's machine; train/, val/ and test/ are used where they exist",
    )
    .option('--dataset <name>', 'a registered data set instead (see automed data register)')
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
    .option('--recipe <name>', 'to start from: default, paper, or a name as paper-autosam', 'default')
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
    .option(
      '--threads <count>',
      'LibTorch threads, of all ranks together (default: what the service has)',
      whole(1, 1024),
    )
    .option('--ranks <count>', 'processes that train together, each on --batch images of a step', whole(1, 1024), 1)
    .option('--decode-threads <count>', 'images decoded at a time (default: 4)', whole(1, 64))
    .option('--checkpoint-seconds <seconds>', 'between checkpoints within an epoch; 0: none', number({ min: 0 }), 60)
    .option('--keep-checkpoints <count>', "epochs' checkpoints to keep beside the last and the best", whole(0), 0)
    .option(
      '--embedding-cache <megabytes>',
      'disk for embeddings of a frozen encoder; 0: none (default: a quarter of what is free)',
      number({ min: 0 }),
    )
    .optionsGroup(GROUPS.result)
    .option('--licence <text>', 'what the data allows; recorded with the model')
    .option('--terms <file>', 'JSON of coded terms by structure or class, which DICOM results need', termsOf)
    .option('--no-report-images', 'keep pictures of the data out of the report')
    .addOption(new Option('--no-images', 'the same').hideHelp())
    .addOption(new Option('--no-pictures', 'the same').hideHelp())
    .option('--json', 'print one JSON document at the end')
    .optionsGroup(GROUPS.job)
    .option('--resume', 'go on with the interrupted run of this name, from its last checkpoint')
    .option('--restart', 'delete what an interrupted run of this name left, and begin anew')
    .addOption(
      new Option(
        '--on-interrupt <what>',
        'at Ctrl-C: cancel the training, or detach from it and keep its checkpoint (default: ask at a terminal, else detach)',
      ).choices(ON_INTERRUPT),
    )
    .option('--detach', 'print the id of the job and leave it to the running server, or to the next; see automed jobs')
    .option('--request-id <text>', 'the same id and flags again name the same job')
    .option('--priority <number>', 'jobs with a higher one start first', whole(-1000, 1000));
  connected(command);
}

async function train(task: Task, options: TrainOptions): Promise<void> {
  if (options.resume && options.restart) throw new UsageError('--resume and --restart exclude each other');
  const { job, connection } = await runTraining(trainSpec(task, options), options);
  if (options.detach) return options.json ? printJson({ id: job.id, state: stateOf(job) }) : printLine(job.id);
  const result = resultOf(job, connection.home);
  const { model, base, report, metrics } = result;
  if (options.json) return printJson({ model, base, report, metrics });
  printLine(resultText(result));
}
