import { Command, Option } from 'commander';
import type { Model__Output } from '../../../proto/gen/automed/models/v1/Model';
import type { Assessment } from '../../scoring/results/assessment';
import { basisText, unscoredClasses } from '../../scoring/metrics/estimate';
import type { ClassificationMetrics } from '../../scoring/metrics/metrics';
import { refuseErrors } from '../../checks/refuse-errors';
import { MEASURED_PARTS, type MeasuredPart } from '../../datasets/split/select-samples';
import { parseIntensity, type Task } from '../../store';
import type { AutomedClient } from '../../client';
import { CliError, oneLine } from '../program/errors';
import { evaluateClassification, evaluateSegmentation, type EvaluationOptions } from '../../evaluation/run';
import { assessClassification, assessSegmentation } from '../../evaluation/assess';
import { inspect, type Inspection } from '../../evaluation/inspect';
import { recordedOf } from '../../evaluation/recorded';
import {
  planEvaluation,
  type EvaluationPlan,
  type EvaluationRequest,
  type MeasuredModel,
  type Wording,
} from '../../evaluation/plan';
import { printJson, printLine, printNote, printProblem } from '../../terminal/print';
import { CountDisplay } from '../../terminal/count-display';
import { score, scoreWithInterval, table, unscoredText } from '../../terminal/table';
import { withClient, type ConnectOptions } from '../program/session';
import { describeFailure, type Failure } from '../../evaluation/images';
import {
  connected,
  examples,
  withLayout,
  withMaskValues,
  withMeasure,
  type LayoutOptions,
  type MeasureOptions,
} from './options';

interface EvaluateOptions extends ConnectOptions, LayoutOptions, MeasureOptions {
  data: string;
  part?: MeasuredPart;
  /** The former name of --part. */
  split?: MeasuredPart;
  allowDataProblems?: boolean;
  strict?: boolean;
  json?: boolean;
}

export function evaluateCommand(): Command {
  const command = withMaskValues(withLayout(connected(new Command('evaluate'))))
    .description('measure a model on labelled images, through the gateway')
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS')
    .requiredOption('--data <folder>', 'labelled images in any layout that training reads, or a CSV file')
    .addOption(new Option('--part <part>', 'default: what the model has not seen').choices(MEASURED_PARTS))
    .addOption(new Option('--split <part>', 'the same').choices(MEASURED_PARTS).hideHelp());
  withMeasure(command)
    .option('--allow-data-problems', 'measure on data whose scores would be wrong (see automed data check)')
    .option('--strict', 'fail when an image cannot be used; without it such images are named and left out')
    .option('--json', 'print one JSON document')
    .action(evaluate);
  return examples(command, [
    'automed evaluate polyp@2 --data data/CVC-ClinicDB --part validation',
    'automed evaluate optic --data data/REFUGE2',
    'automed evaluate lesion --data cases.csv --columns image=file,mask=outline,part=split',
    'automed evaluate brain-mri --data data/brain_mri --part test --json',
  ]);
}

async function evaluate(reference: string, options: EvaluateOptions): Promise<void> {
  const report = await withClient(options, async (client) => {
    const model = await client.models.get(reference);
    const selection = await planEvaluation(
      measuredModel(client, model),
      requestOf(options),
      new AbortController().signal,
      WORDING,
    );
    for (const { name, problem } of selection.folder.problems) printProblem(`${name}: ${problem}`);
    for (const note of selection.notes) printNote(note);
    const inspection = await inspected(model, selection, options);
    const measure = taskOf(model) === 'segmentation' ? measureSegmentation : measureClassification;
    return measure(client, model, { ...selection, ...inspection }, options);
  });
  if (options.json) printJson(report.json);
  else printLine(report.text);
  const { failures } = report;
  if (failures.length > 0 && options.strict) throw new CliError(`${failures.length} images could not be used`);
}

const taskOf = ({ task }: Model__Output): Task => (task === 'TASK_CLASSIFICATION' ? 'classification' : 'segmentation');

function measuredModel(client: AutomedClient, model: Model__Output): MeasuredModel {
  const name = `${model.name}@${model.version}`;
  return {
    name,
    task: taskOf(model),
    classes: model.classes,
    structures: model.structures,
    recorded: recordedOf(model),
    lookUp: (digests) => client.models.lookUpSamples(name, digests),
  };
}

function requestOf(options: EvaluateOptions): EvaluationRequest {
  const { data, layout, columns, masksDir, structures, groupColumn, maskValues, limit } = options;
  const { seed, validationFraction, testFraction } = options;
  return {
    ...{ data, layout, columns, masksDir, structures, groupColumn, maskValues },
    ...{ part: options.part ?? options.split, limit, seed, validationFraction, testFraction },
  };
}

/** What is missing, by the flags that say it. */
const WORDING: Wording = {
  unmatched: ({ name, structures }, unmatched) => {
    const draws = `${name} draws ${structures.join(', ')}`;
    if ('unknown' in unmatched) return `${draws}, and no ${unmatched.unknown}`;
    const example = structures.map((structure) => `${structure}=FOLDER`).join(',');
    return `${draws}: say where their masks are, --structures ${example}`;
  },
  foreign: ({ name, classes }, foreign) =>
    `the folder has the classes ${foreign.join(', ')}, but ${name} knows ${classes.join(', ')}; name the folders like the classes`,
};

/** Findings that are printed; --json has all. */
const SHOWN_FINDINGS = 20;

/** Tells what is wrong with the data, and refuses it where a score would be wrong. */
async function inspected(model: Model__Output, selection: Selection, options: EvaluateOptions): Promise<Inspection> {
  const { preprocessing } = recordedOf(model);
  const name = `${model.name}@${model.version}`;
  const stated = options.intensity === undefined ? undefined : parseIntensity(options.intensity);
  const display = new CountDisplay(`reading ${options.data}`, selection.samples.length);
  const inspection = await inspect(selection, {
    ...{ model: name, preprocessing, stated },
    onProgress: (done) => display.show(done),
  }).finally(() => display.close());
  const { findings } = inspection;
  const shown = findings.filter(({ severity }) => options.allowDataProblems === true || severity === 'warning');
  for (const { severity, message } of shown.slice(0, SHOWN_FINDINGS)) printNote(`${severity}: ${message}`);
  if (shown.length > SHOWN_FINDINGS) printNote(`and ${shown.length - SHOWN_FINDINGS} more findings; --json lists all`);
  if (options.allowDataProblems !== true) refuseErrors(findings, 'measure');
  return inspection;
}

type Selection = EvaluationPlan;
type Inspected = Selection & Inspection;

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
  const { samples } = selection;
  const display = new CountDisplay(`evaluating ${model.name}@${model.version}`, samples.length);
  const onProgress = (done: number): void => display.show(done);
  const reference = `${model.name}@${model.version}`;
  const how = { model: reference, samples, threshold: options.threshold, onProgress, describe: oneLine };
  const result = await run(how).finally(() => display.close());
  for (const failure of result.failures) printProblem(describeFailure(failure));
  if (result.measured.length === 0) throw new CliError('none of the images could be used');
  return result;
}

function headOf(
  model: Model__Output,
  { part, seen, findings }: Inspected,
  options: EvaluateOptions,
  failures: Failure[],
): object {
  return {
    model: `${model.name}@${model.version}`,
    data: options.data,
    split: part,
    seen,
    failed: failures.length,
    findings,
  };
}

/** What is told of masks beside the overlap; a distance to an empty mask is none, so the misses stand beside it. */
const MASK_SCORES = [
  'hd95_px',
  'hd95_penalized_px',
  'asd_px',
  'sensitivity',
  'specificity',
  'miss_rate',
  'false_alarm_rate',
  'vanished_masks',
  'vanished_lesions',
];

async function measureSegmentation(
  client: AutomedClient,
  model: Model__Output,
  selection: Inspected,
  options: EvaluateOptions,
): Promise<Report> {
  const { structures } = selection;
  const { measured: results, failures } = await measured(
    (how) => evaluateSegmentation(client, { ...how, structures }),
    model,
    selection,
    options,
  );
  const names = structures ?? model.structures;
  const metrics = assessSegmentation(results, names, selection.request.seed, selection.losses);
  const where = `${metrics.images} images (${selection.part})`;
  const scores = (prefix: string): string =>
    `mDSC ${scored(metrics, `${prefix}mdsc`)}, mIoU ${scored(metrics, `${prefix}miou`)}`;
  return {
    text: [
      `${model.name}@${model.version} on ${where}: ${scores('')}`,
      ...(names.length > 1 ? names.map((name) => `  ${name}: ${scores(`structure.${name}.`)}`) : []),
      ...MASK_SCORES.flatMap((name) => {
        const text = scored(metrics, name, { structures: names.length });
        return text === '-' ? [] : [`  ${name} ${text}`];
      }),
    ].join('\n'),
    json: { ...headOf(model, selection, options, failures), task: 'segmentation', ...metrics },
    failures,
  };
}

async function measureClassification(
  client: AutomedClient,
  model: Model__Output,
  selection: Inspected,
  options: EvaluateOptions,
): Promise<Report> {
  const { classes } = model;
  const { measured: results, failures } = await measured(
    (how) => evaluateClassification(client, how),
    model,
    selection,
    options,
  );
  const metrics = assessClassification(
    results,
    { known: classes, given: selection.folder.classes },
    selection.request.seed,
  );
  const { macroF1, ...rest } = metrics;
  const head = headOf(model, selection, options, failures);
  return {
    text: classificationText(`${model.name}@${model.version} on ${metrics.images} images (${selection.part})`, metrics),
    json: { ...head, task: 'classification', ...rest, macro_f1: macroF1 },
    failures,
  };
}

/**
 * `8.6500 (7.1000 to 9.2000) [19 of 20 images]`; a dash for a score that is not defined on these images. How many resamples have
 * it is in the JSON.
 */
function scored(
  { images, intervals }: Assessment,
  name: string,
  whole: { classes?: number; structures?: number } = {},
): string {
  const estimate = intervals.estimates[name];
  if (!estimate) return '-';
  const basis = basisText({ ...estimate, resamples: undefined }, { ...whole, images });
  return `${scoreWithInterval(estimate, name)}${basis === '' ? '' : ` [${basis}]`}`;
}

const orDash = (value: number): string => (Number.isNaN(value) ? '-' : score(value));

function classificationText(title: string, metrics: ClassificationMetrics & Assessment): string {
  const rows = metrics.classes.map(({ name, precision, recall, f1, support }) => [
    name,
    orDash(precision),
    orDash(recall),
    orDash(f1),
    String(support),
  ]);
  const names = metrics.classes.map(({ name }) => name);
  const of = (name: string): string => scored(metrics, name, { classes: names.length });
  const confusion = metrics.confusion.map((row, index) => [names[index] ?? '', ...row.map(String)]);
  return [
    `${title}: accuracy ${of('accuracy')}, macro F1 ${of('macro_f1')}`,
    ['auroc', 'average_precision', 'ece', 'brier'].map((name) => `${name} ${of(name)}`).join(', '),
    '',
    table(['CLASS', 'PRECISION', 'RECALL', 'F1', 'IMAGES'], rows),
    '',
    table(['TRUE \\ PREDICTED', ...names], confusion),
    ...unscoredText(unscoredClasses(names, metrics.intervals.estimates)),
  ].join('\n');
}
