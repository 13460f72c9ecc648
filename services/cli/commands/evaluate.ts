import { Command, Option } from 'commander';
import type { Model__Output } from '../../../proto/gen/automed/models/v1/Model';
import type { Assessment } from '../../training/domain/assessment';
import type { ClassificationMetrics } from '../../training/domain/metrics';
import type { AutomedClient } from '../client/automed-client';
import { CliError } from '../errors';
import { evaluateClassification, evaluateSegmentation, type EvaluationOptions } from '../evaluation/run';
import { assessClassification, assessSegmentation } from '../evaluation/assess';
import { PARTS, selectSamples, type PartName, type Selection } from '../evaluation/samples';
import { printJson, printLine, printProblem } from '../output/print';
import { CountDisplay } from '../output/count-display';
import { score, scoreWithInterval, table } from '../output/table';
import { withClient, type ConnectOptions } from '../stack/session';
import { describeFailure, type Failure } from './images';
import { connected, examples, number, structureList, whole, type Structure } from './options';

interface EvaluateOptions extends ConnectOptions {
  data: string;
  split?: PartName;
  seed: number;
  validationFraction: number;
  groupColumn?: string;
  masksDir?: string;
  structures?: Structure[];
  threshold?: number;
  limit?: number;
  strict?: boolean;
  json?: boolean;
}

export function evaluateCommand(): Command {
  const command = connected(new Command('evaluate'))
    .description('measure a model on labelled images, through the gateway')
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS')
    .requiredOption('--data <folder>', 'images/ + masks/, or one folder per class; also below train/, val/, test/')
    .addOption(new Option('--split <part>', 'default: test where the folder has one, else all').choices(PARTS))
    .option('--seed <number>', 'seed of the split that training made', whole(0), 0)
    .option('--validation-fraction <share>', 'share of that split', number({ min: 0, max: 1, open: true }), 0.2)
    .option('--group-column <name>', 'column of manifest.csv whose groups are never separated')
    .option('--masks-dir <name>', 'folder of the masks beside images/ (default: masks)')
    .option(
      '--structures <list>',
      'for a model of several: which folder holds the masks of which, disc=masks,cup=masks_cup',
      structureList,
    )
    .option(
      '--threshold <probability>',
      "foreground is above it (default: the model's)",
      number({ min: 0, max: 1, open: true }),
    )
    .option('--limit <count>', 'images at most', whole(1))
    .option('--strict', 'fail when an image cannot be used; without it such images are named and left out')
    .option('--json', 'print one JSON document')
    .action(evaluate);
  return examples(command, [
    'automed evaluate polyp@2 --data data/polyps --split validation',
    'automed evaluate brain-mri --data data/brain_mri --split test --json',
  ]);
}

async function evaluate(reference: string, options: EvaluateOptions): Promise<void> {
  const report = await withClient(options, async (client) => {
    const model = await client.getModel(reference);
    const task = model.task === 'TASK_CLASSIFICATION' ? 'classification' : 'segmentation';
    if (task === 'segmentation') checkStructures(model, options);
    const [first, ...further] = options.structures ?? [];
    const selection = await selectSamples(task, options.data, {
      ...options,
      masksDir: first?.masks ?? options.masksDir,
      furtherMasksDirs: further.map(({ masks }) => masks),
      part: options.split,
    });
    for (const { name, problem } of selection.problems) printProblem(`${name}: ${problem}`);
    const measure = task === 'segmentation' ? measureSegmentation : measureClassification;
    return measure(client, model, selection, options);
  });
  if (options.json) printJson(report.json);
  else printLine(report.text);
  const { failures } = report;
  if (failures.length > 0 && options.strict) throw new CliError(`${failures.length} images could not be used`);
}

/** Throws unless it is clear which masks belong to which structure of the model. */
function checkStructures({ name, version, structures }: Model__Output, options: EvaluateOptions): void {
  const draws = `${name}@${version} draws ${structures.join(', ')}`;
  const unknown = options.structures?.find((structure) => !structures.includes(structure.name));
  if (unknown) throw new CliError(`${draws}, and no ${unknown.name}`);
  if (structures.length > 1 && !options.structures) {
    const example = structures.map((structure) => `${structure}=FOLDER`).join(',');
    throw new CliError(`${draws}: say where their masks are, --structures ${example}`);
  }
}

interface Report {
  text: string;
  json: object;
  failures: Failure[];
}

/** Runs an evaluation with a counter on the terminal; names the images that failed. */
async function measured<T extends { measured: unknown[]; failures: Failure[] }>(
  run: (options: EvaluationOptions) => Promise<T>,
  model: Model__Output,
  selection: Selection,
  options: EvaluateOptions,
): Promise<T> {
  const samples = selection.samples.slice(0, options.limit);
  const display = new CountDisplay(`evaluating ${model.name}@${model.version}`, samples.length);
  const onProgress = (done: number): void => display.show(done);
  const reference = `${model.name}@${model.version}`;
  const result = await run({ model: reference, samples, threshold: options.threshold, onProgress }).finally(() =>
    display.close(),
  );
  for (const failure of result.failures) printProblem(describeFailure(failure));
  if (result.measured.length === 0) throw new CliError('none of the images could be used');
  return result;
}

function headOf(model: Model__Output, { part }: Selection, options: EvaluateOptions, failures: Failure[]): object {
  return {
    model: `${model.name}@${model.version}`,
    data: options.data,
    split: part,
    failed: failures.length,
  };
}

async function measureSegmentation(
  client: AutomedClient,
  model: Model__Output,
  selection: Selection,
  options: EvaluateOptions,
): Promise<Report> {
  const structures = options.structures?.map(({ name }) => name);
  const { measured: results, failures } = await measured(
    (how) => evaluateSegmentation(client, { ...how, structures }),
    model,
    selection,
    options,
  );
  const names = structures ?? model.structures;
  const metrics = assessSegmentation(results, names, options.seed);
  const where = `${metrics.images} images (${selection.part})`;
  const scores = (prefix: string): string =>
    `mDSC ${scored(metrics, `${prefix}mdsc`)}, mIoU ${scored(metrics, `${prefix}miou`)}`;
  return {
    text: [
      `${model.name}@${model.version} on ${where}: ${scores('')}`,
      ...(names.length > 1 ? names.map((name) => `  ${name}: ${scores(`structure.${name}.`)}`) : []),
    ].join('\n'),
    json: { ...headOf(model, selection, options, failures), task: 'segmentation', ...metrics },
    failures,
  };
}

async function measureClassification(
  client: AutomedClient,
  model: Model__Output,
  selection: Selection,
  options: EvaluateOptions,
): Promise<Report> {
  const { classes } = model;
  const foreign = selection.classes.filter((name) => !classes.includes(name));
  if (foreign.length > 0) {
    const known = `${model.name}@${model.version} knows ${classes.join(', ')}`;
    throw new CliError(
      `the folder has the classes ${foreign.join(', ')}, but ${known}; name the folders like the classes`,
    );
  }
  const { measured: results, failures } = await measured(
    (how) => evaluateClassification(client, how),
    model,
    selection,
    options,
  );
  const metrics = assessClassification(results, { known: classes, given: selection.classes }, options.seed);
  const { macroF1, ...rest } = metrics;
  const head = headOf(model, selection, options, failures);
  return {
    text: classificationText(`${model.name}@${model.version} on ${metrics.images} images (${selection.part})`, metrics),
    json: { ...head, task: 'classification', ...rest, macro_f1: macroF1 },
    failures,
  };
}

function scored({ intervals }: Assessment, name: string): string {
  const estimate = intervals.estimates[name];
  return estimate ? scoreWithInterval(estimate) : '-';
}

function classificationText(title: string, metrics: ClassificationMetrics & Assessment): string {
  const rows = metrics.classes.map(({ name, precision, recall, f1, support }) => [
    name,
    score(precision),
    score(recall),
    score(f1),
    String(support),
  ]);
  const names = metrics.classes.map(({ name }) => name);
  const confusion = metrics.confusion.map((row, index) => [names[index] ?? '', ...row.map(String)]);
  return [
    `${title}: accuracy ${scored(metrics, 'accuracy')}, macro F1 ${scored(metrics, 'macro_f1')}`,
    ['auroc', 'average_precision', 'ece', 'brier'].map((name) => `${name} ${scored(metrics, name)}`).join(', '),
    '',
    table(['CLASS', 'PRECISION', 'RECALL', 'F1', 'IMAGES'], rows),
    '',
    table(['TRUE \\ PREDICTED', ...names], confusion),
  ].join('\n');
}
