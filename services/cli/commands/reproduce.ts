import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Argument, Command } from 'commander';
import { availableCores } from '../../common/cores';
import type { TrainingEvent__Output } from '../../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingStart__Output } from '../../../proto/gen/automed/training/v1/TrainingStart';
import type { AutomedClient } from '../../client';
import { automedError } from '../../common/errors';
import { requireConfiguredStore } from '../../store';
import { checkDataExists } from '../../worker/protocol/preflight';
import { resolveSource, type DataSource } from '../../datasets/layouts/read-data';
import { TABLE_NAMES, tableOf } from '../../reproduction/tables';
import { loadConfig } from '../program/config';
import { InterruptedError } from '../program/errors';
import { withTraining } from '../program/session';
import { printJson, printLine } from '../../terminal/print';
import { TrainingDisplay } from '../../terminal/training-display';
import { displayEvents } from '../../terminal/display-events';
import { trainStep } from '../training/run';
import { Progress } from '../../reproduction/progress';
import { makeReport, reportMarkdown } from '../../reproduction/report';
import { isArchitecture, measureTable, type Settings, type Work } from '../../reproduction/steps';
import { examples, whole } from './options';

interface ReproduceOptions {
  data: string;
  base: string;
  samBase?: string;
  epochs?: number;
  limit?: number;
  recipe: string;
  seed: number;
  masksDir?: string;
  out?: string;
  home?: string;
  device: string;
  threads: number;
  json?: boolean;
}

export function reproduceCommand(): Command {
  const command = new Command('reproduce')
    .description(
      'train and measure what a table of the paper compares, and write a report; the same command goes on where it was stopped',
    )
    .addArgument(new Argument('<table>', 'table1 to table10').choices(TABLE_NAMES))
    .requiredOption('--data <folder>', 'images/ + masks/, or one folder per class')
    .option('--base <base>', 'a base of the store; or an architecture, whose random weights are trained first', 'tiny')
    .option('--sam-base <base>', "the base of SAM's rows (default, for an architecture: the same without adapters)")
    .option('--epochs <count>', "of each training (default: the recipe's)", whole(1))
    .option('--limit <count>', 'samples at most, of all parts together', whole(10))
    .option('--recipe <name>', 'default or paper', 'default')
    .option('--seed <number>', 'of the split, the weights and the order', whole(0), 0)
    .option('--masks-dir <name>', 'folder of the masks beside images/ (default: masks)')
    .option('--out <folder>', 'report, progress and checkpoints (default: reproduce/TABLE)')
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--device <name>', 'cpu, cuda, cuda:N or auto', 'auto')
    .option('--threads <count>', 'LibTorch threads', whole(1, 1024), availableCores())
    .option('--json', 'print the report as one JSON document')
    .action(reproduce);
  return examples(command, [
    'automed reproduce table4 --data data/isic2017 --base tiny --epochs 3 --limit 120',
    'automed reproduce table9 --data data/CVC-ClinicDB --base sam-med2d-vit-b --sam-base sam-b-256 --recipe paper',
    'automed reproduce table10 --data data/brain_mri --base sam-med2d-vit-b --recipe paper',
  ]);
}

function commandLine({ table, base, samBase, epochs, limit, recipe, seed, masksDir }: Settings, data: string): string {
  const flags = { base, 'sam-base': samBase, epochs, limit, recipe, seed, 'masks-dir': masksDir };
  const given = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]));
  return ['automed reproduce', table, `--data ${data}`, ...given].join(' ');
}

async function reproduce(name: string, options: ReproduceOptions): Promise<void> {
  const table = tableOf(name);
  const { base, samBase, epochs, limit, recipe, seed, masksDir } = options;
  const settings: Settings = {
    table: name,
    data: resolve(options.data),
    base,
    samBase,
    epochs,
    limit,
    recipe,
    seed,
    masksDir,
  };
  const store = resolve(options.home ?? loadConfig().home);
  // Before anything is made. Bases with random weights may begin a store.
  await checkDataExists({ data: settings.data });
  if (![base, samBase].every((each) => each === undefined || isArchitecture(each))) await requireConfiguredStore(store);
  const out = resolve(options.out ?? join('reproduce', name));
  const progress = await Progress.open(out, { ...settings, store });
  const { threads, device } = options;
  const rows = await withTraining(
    { home: store },
    (client) => measureTable({ client, work: workOf(client), settings, table, progress, threads, device }),
    { runs: 'watched', threads, creates: true, local: true },
  ).catch((error: unknown) => {
    if (!(error instanceof InterruptedError)) throw error;
    throw new InterruptedError('cancelled; the same command goes on where it stopped');
  });
  const command = commandLine(settings, options.data);
  // Which of the paper's data sets it is, by the names of the files.
  const { layout } = await resolveSource<DataSource>({ task: table.task, data: settings.data, masksDir });
  const report = makeReport(table, settings, rows, { steps: progress.finished(), command, layout });
  await writeFile(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(out, 'report.md'), reportMarkdown(report));
  if (options.json) return printJson(report);
  printLine(`${reportMarkdown(report)}\nwritten to ${join(out, 'report.md')} and report.json`);
}

/** Trainings and measurements with a display each. */
function workOf({ bases, trainingJobs }: AutomedClient): Work {
  return {
    train: async (title, spec, requestId) => {
      let started: TrainingStart__Output | undefined;
      const onEvent = ({ start }: TrainingEvent__Output): void => {
        started = start ?? started;
      };
      const { result } = await trainStep(trainingJobs, spec, { title, requestId, onEvent });
      if (!result) throw automedError('INTERNAL', 'a job that has succeeded lacks its result');
      return { result, started };
    },
    evaluateBase: async (title, request) => {
      const display = new TrainingDisplay(title);
      const onProgress = displayEvents(display, 'mdsc');
      return bases.evaluate(request, { onProgress }).finally(() => display.close());
    },
  };
}
