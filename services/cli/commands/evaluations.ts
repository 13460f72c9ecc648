import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Evaluation__Output } from '../../../proto/gen/automed/evaluations/v1/Evaluation';
import type { EvaluationResult__Output } from '../../../proto/gen/automed/evaluations/v1/EvaluationResult';
import type { EvaluationSpec } from '../../../proto/gen/automed/evaluations/v1/EvaluationSpec';
import type { Score__Output } from '../../../proto/gen/automed/evaluations/v1/Score';
import { scoreNames } from '../../scoring/results/assessment';
import { basisText, unscoredClasses, type Counts } from '../../scoring/metrics/estimate';
import { collect, type AutomedClient } from '../../client';
import { CliError, UsageError } from '../program/errors';
import { MEASURED_PARTS as PARTS, type MeasuredPart as PartName } from '../../datasets/split/select-samples';
import { CountDisplay } from '../../terminal/count-display';
import { printJson, printLine, printNote } from '../../terminal/print';
import { score, scoreWithInterval, table, unscoredText } from '../../terminal/table';
import { hasServer, withTraining, type ConnectOptions } from '../program/session';
import { columnsOption, connected, examples, whole, withMaskValues, withMeasure, type MeasureOptions } from './options';
import { reportCommand } from './reports';

export interface CreateOptions extends ConnectOptions, MeasureOptions {
  data?: string;
  dataset?: string;
  layout?: string;
  part?: PartName;
  allowDataProblems?: boolean;
  strict?: boolean;
  worstCount: number;
  /** The former names of --worst-count and --no-report-images. */
  worst?: number;
  images: boolean;
  reportImages: boolean;
  columns?: Record<string, string>;
  device: string;
  detach?: boolean;
  json?: boolean;
}

type ShowOptions = ConnectOptions & { json?: boolean };

export function evaluationsCommand(): Command {
  const command = new Command('evaluations').description(
    'measure models image by image through the training service, and keep scores, intervals and a report',
  );
  const report = reportCommand(
    connected(new Command('report').argument('<id>')),
    (evaluationId) => ({ evaluationId }),
    withTraining,
  );
  for (const part of [createCommand(), listCommand(), getCommand(), report, cancelCommand(), deleteCommand()]) {
    command.addCommand(part);
  }
  return examples(command, [
    'automed evaluations create polyp@production --data /data/CVC-ClinicDB --part test',
    'automed evaluations list polyp',
    'automed evaluations get 0f3a9c5d1e2b4a67 --worst 10',
    'automed evaluations report 0f3a9c5d1e2b4a67 --out report.html',
  ]);
}

export function createCommand(): Command {
  const command = withMaskValues(connected(new Command('create')))
    .description('evaluate a model; without --detach wait for its scores')
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS')
    .option('--data <folder>', "labelled images, or a CSV file, on the service's machine")
    .option('--dataset <name>', 'a registered data set instead: NAME or NAME@VERSION')
    .option('--layout <name>', 'how the data is laid out (default: told by the names of the files)')
    .addOption(columnsOption())
    .addOption(new Option('--part <part>', 'default: what the model has not seen').choices(PARTS));
  return withMeasure(command)
    .option('--allow-data-problems', 'measure on data whose scores would be wrong, or that its check rejected')
    .option('--strict', 'fail at the first image that cannot be used')
    .option('--worst-count <count>', 'pictures of the worst images in the report', whole(0, 200), 8)
    .addOption(new Option('--worst <count>', 'the same').argParser(whole(0, 200)).hideHelp())
    .option('--no-report-images', 'keep pictures of the data out of the report')
    .addOption(new Option('--no-images', 'the same').hideHelp())
    .option('--device <name>', 'cpu, cuda, cuda:N or auto', 'auto')
    .option('--detach', 'print the id and leave it to the running server')
    .option('--json', 'print one JSON document')
    .action(create);
}

function listCommand(): Command {
  return connected(new Command('list'))
    .description('list evaluations, the newest first')
    .argument('[name]', 'name of the model, without version (default: all)')
    .option('--json', 'print one JSON document')
    .action(async (name: string | undefined, options: ShowOptions) => {
      const found = await withTraining(options, ({ evaluations }) => collect(evaluations.list({ name: name ?? '' })));
      if (options.json) return printJson({ evaluations: found.map(evaluationJson) });
      if (found.length === 0) return printLine('there are no evaluations');
      printLine(table(['ID', 'MODEL', 'PART', 'STATE', 'IMAGES', 'RESULT'], found.map(row)));
    });
}

function getCommand(): Command {
  return connected(new Command('get'))
    .description('show an evaluation and its scores')
    .argument('<id>')
    .option('--worst <count>', 'list this many of the worst images, too', whole(1, 1000))
    .option('--json', 'print one JSON document')
    .action(async (id: string, options: ShowOptions & { worst?: number }) => {
      const { worst } = options;
      const [evaluation, samples] = await withTraining(options, async ({ evaluations }) => [
        await evaluations.get(id),
        worst === undefined ? [] : await evaluations.worst(id, worst),
      ]);
      if (options.json) {
        const images =
          worst === undefined ? {} : { worst: samples.map(({ name, score: value }) => ({ name, score: value })) };
        return printJson({ ...evaluationJson(evaluation), ...images });
      }
      printLine(evaluationText(evaluation));
      const rows = samples.map(({ name, group, score: value }) => [name, score(value), group || '-']);
      if (rows.length > 0) printLine(`\n${table(['IMAGE', 'SCORE', 'GROUP'], rows)}`);
    });
}

function cancelCommand(): Command {
  return connected(new Command('cancel'))
    .description('stop an evaluation for good')
    .argument('<id>')
    .action(async (id: string, options: ConnectOptions) => {
      printLine(`${id} is ${stateOf(await withTraining(options, ({ evaluations }) => evaluations.cancel(id)))}`);
    });
}

function deleteCommand(): Command {
  return connected(new Command('delete'))
    .description('delete an evaluation that has ended: scores, report and pictures')
    .argument('<id>')
    .action(async (id: string, options: ConnectOptions) => {
      await withTraining(options, ({ evaluations }) => evaluations.delete(id));
      printLine(`${id} is gone`);
    });
}

/** Options that a specification takes under the same names. */
const SPEC_OPTIONS = [
  'seed',
  'validationFraction',
  'testFraction',
  'groupColumn',
  'masksDir',
  'threshold',
  'limit',
  'dataset',
  'layout',
  'maskValues',
  'intensity',
  'columns',
] as const;

/** The specification that the flags of `evaluations create` make. */
export function evaluationSpec(model: string, options: CreateOptions): EvaluationSpec {
  return {
    ...Object.fromEntries(SPEC_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
    model,
    ...(options.data === undefined ? {} : { data: resolve(options.data) }),
    ...(options.part === undefined
      ? {}
      : { part: `EVALUATION_PART_${options.part.toUpperCase() as Uppercase<PartName>}` }),
    structures: options.structures ?? [],
    strict: options.strict ?? false,
    allowDataProblems: options.allowDataProblems ?? false,
    worstCount: options.worst ?? options.worstCount,
    reportImages: options.reportImages && options.images,
    device: options.device,
  };
}

async function create(model: string, options: CreateOptions): Promise<void> {
  if (options.detach && !(await hasServer(options, ['training']))) {
    throw new UsageError(
      '--detach leaves the work to a server that goes on: start `automed serve`, or name one with --address',
    );
  }
  if ((options.data === undefined) === (options.dataset === undefined)) {
    throw new UsageError('name the images: either --data or --dataset');
  }
  const measure = async (client: AutomedClient): Promise<Evaluation__Output> => {
    const created = await client.evaluations.create(evaluationSpec(model, options));
    return options.detach ? created : follow(client, created);
  };
  const evaluation = await withTraining(options, measure, { runs: 'watched' });
  if (options.json) printJson(evaluationJson(evaluation));
  else printLine(options.detach ? evaluation.id : evaluationText(evaluation));
  const { error } = evaluation;
  if (error) throw new CliError(`the evaluation failed: ${error.message}`);
}

async function follow({ evaluations }: AutomedClient, created: Evaluation__Output): Promise<Evaluation__Output> {
  if (waits(created)) printNote(created.stateMessage);
  const display = new CountDisplay(`evaluating ${created.spec?.model ?? ''} (percent)`, 100);
  try {
    return await evaluations.wait(created.id, {
      onProgress: ({ progress }) => display.show(Math.round(100 * progress)),
    });
  } finally {
    display.close();
  }
}

const stateOf = ({ state }: Evaluation__Output): string => state.replace('EVALUATION_STATE_', '').toLowerCase();
const waits = (evaluation: Evaluation__Output): boolean =>
  ['pending', 'resuming'].includes(stateOf(evaluation)) && evaluation.stateMessage !== '';
const partOf = ({ result, spec }: Evaluation__Output): string =>
  (result?.part ?? spec?.part ?? '').replace(/EVALUATION_PART_(UNSPECIFIED)?/, '').toLowerCase() || '-';

const sourceOf = (spec: Evaluation__Output['spec']): string =>
  spec?.dataset === '' ? spec.data : (spec?.dataset ?? '');

function row(evaluation: Evaluation__Output): string[] {
  const { id, spec, result } = evaluation;
  const first = result?.scores[0];
  return [
    id,
    spec?.model ?? '',
    partOf(evaluation),
    stateOf(evaluation),
    result ? String(result.imageCount) : '-',
    first ? `${first.name} ${scoreWithInterval(first, first.name)}` : waits(evaluation) ? evaluation.stateMessage : '-',
  ];
}

/** What a score rests on where that is not everything. */
function countsOf({ imageCount, maskCount, lesionCount, classCount, resampleCount }: Score__Output): Counts {
  const counts = {
    ...{ images: imageCount, masks: maskCount, lesions: lesionCount },
    ...{ classes: classCount, resamples: resampleCount },
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined));
}

/** Every score by name, in its order; undefined: not defined on these images. */
function allScores({ classes, structures, scores }: EvaluationResult__Output): [string, Score__Output | undefined][] {
  const found = new Map(scores.map((each) => [each.name, each]));
  const names = new Set([...scoreNames({ classes, structures }), ...found.keys()]);
  return [...names].map((name) => [name, found.get(name)]);
}

function evaluationText(evaluation: Evaluation__Output): string {
  const { id, spec, result, error } = evaluation;
  const head = `${id}: ${spec?.model ?? ''} on ${sourceOf(spec)} (${partOf(evaluation)}), ${stateOf(evaluation)}`;
  if (!result) return [head, error?.message ?? evaluation.stateMessage].filter((text) => text !== '').join(': ');
  const { classes, structures, imageCount, resampleCount } = result;
  const all = {
    images: imageCount,
    classes: classes.length,
    structures: structures.length,
    resamples: resampleCount,
  };
  const rows = allScores(result).map(([name, each]) => [
    name,
    each === undefined ? '-' : score(each.value, name),
    each?.low === undefined || each.high === undefined ? '-' : `${score(each.low)} to ${score(each.high)}`,
    each === undefined ? '' : basisText(countsOf(each), all),
  ]);
  const unknown = unscoredClasses(classes, Object.fromEntries(result.scores.map(({ name }) => [name, true])));
  const skipped = result.skippedCount > 0 ? `, ${result.skippedCount} files left out` : '';
  return [
    `${head}, ${result.imageCount} images${skipped}`,
    ...result.notes,
    ...result.findings.map(({ error: wrong, message }) => `${wrong ? 'error' : 'warning'}: ${message}`),
    `report: ${result.report}/report.html in the store`,
    '',
    table(['SCORE', 'VALUE', '95 % INTERVAL', 'MEASURED ON'], rows),
    ...unscoredText(unknown),
  ].join('\n');
}

function evaluationJson(evaluation: Evaluation__Output): Record<string, unknown> {
  const { id, spec, result, error } = evaluation;
  return {
    id,
    model: spec?.model ?? '',
    data: spec?.data ?? '',
    dataset: spec?.dataset === '' ? null : (spec?.dataset ?? null),
    part: partOf(evaluation),
    state: stateOf(evaluation),
    state_message: evaluation.stateMessage,
    ...(result
      ? {
          images: result.imageCount,
          skipped: result.skippedCount,
          seen: result.seenCount ?? null,
          notes: result.notes,
          findings: result.findings.map(({ error: wrong, ...rest }) => ({
            severity: wrong ? 'error' : 'warning',
            ...rest,
          })),
          data_fingerprint: result.dataFingerprint,
          report: result.report,
          resampled_by: result.resampledByGroup ? 'group' : 'image',
          units: result.unitCount,
          scores: Object.fromEntries(
            allScores(result).map(([name, each]) => {
              const { value = null, low = null, high = null } = each ?? {};
              return [name, { value, low, high, ...(each ? countsOf(each) : {}) }];
            }),
          ),
        }
      : {}),
    ...(error ? { error: { reason: error.reason, message: error.message, field: error.field || null } } : {}),
  };
}
