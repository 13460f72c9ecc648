// Data sets of a running training service: the other half of `automed data`.

import { isAbsolute, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Dataset__Output } from '../../../proto/gen/automed/datasets/v1/Dataset';
import { isLoopback } from '../../common/address';
import { collect, type AutomedClient } from '../../client';
import { CliError, UsageError } from '../program/errors';
import { CountDisplay } from '../../terminal/count-display';
import { printJson, printLine, printNote } from '../../terminal/print';
import { stateOf } from '../../terminal/state';
import { table } from '../../terminal/table';
import { withTraining, type ConnectOptions } from '../program/session';
import {
  connected,
  INTENSITY,
  intensityOf,
  newName,
  structureList,
  withLayout,
  withMaskValues,
  type LayoutOptions,
  type Structure,
} from './options';

/** Findings printed one by one; --json has all. */
const SHOWN_FINDINGS = 20;

interface DatasetOptions extends ConnectOptions {
  json?: boolean;
}

interface RegisterOptions extends DatasetOptions, LayoutOptions {
  task: 'segmentation' | 'classification';
  structures?: Structure[];
  groupColumn?: string;
  eachMask?: boolean;
  maskValues?: string;
  intensity?: string;
  requestId?: string;
}

const TASKS = { segmentation: 'TASK_SEGMENTATION', classification: 'TASK_CLASSIFICATION' } as const;

export function datasetCommands(): Command[] {
  return [registerCommand(), validateCommand(), getCommand(), listCommand(), deleteCommand()];
}

const referenceOf = ({ name, version }: Dataset__Output): string => `${name}@${version}`;

const waits = (dataset: Dataset__Output): boolean => stateOf(dataset) === 'CHECKING' && dataset.stateMessage !== '';

/** A service on this machine resolves nothing against our working folder. */
function locationFor(location: string, address: string): string {
  if (isAbsolute(location) || location.startsWith('s3://')) return location;
  if (isLoopback(address)) return resolve(location);
  throw new UsageError(`the location is a path on the machine of ${address}; give it in full, beginning with /`);
}

function registerCommand(): Command {
  return withMaskValues(withLayout(connected(new Command('register'))))
    .description('register a folder of the service under a name; `data validate` checks it, then trainings may name it')
    .argument('<name>', 'name of the data set; an existing one gets a new version', newName)
    .argument('<location>', 'folder or CSV file on the machine of the service')
    .addOption(new Option('--task <name>', 'what it is for').choices(Object.keys(TASKS)).makeOptionMandatory())
    .option('--structures <list>', 'what its masks show, each with its folder: disc=masks,cup=masks_cup', structureList)
    .option('--group-column <name>', 'column whose groups are never separated')
    .option('--each-mask', 'one sample for each mask, as training on prompts takes them')
    .option('--intensity <rule>', INTENSITY, intensityOf)
    .option('--request-id <id>', 'makes the command repeatable: the same id registers once')
    .option('--json', 'print one JSON document')
    .action(async (name: string, location: string, options: RegisterOptions) => {
      const { task, layout, columns, structures = [], groupColumn, eachMask, maskValues, intensity } = options;
      const spec = {
        name,
        task: TASKS[task],
        layout: layout ?? '',
        structures,
        groupColumn: groupColumn ?? '',
        columns: columns ?? null,
        eachMask: eachMask === true,
        maskValues: maskValues ?? '',
        intensity: intensity ?? '',
      };
      const dataset = await withTraining(
        options,
        ({ datasets }, { address }) => {
          const { requestId } = options;
          return datasets.register({ ...spec, location: locationFor(location, address) }, { requestId });
        },
        { creates: true },
      );
      if (options.json) return printJson(datasetJson(dataset));
      printLine(`registered ${referenceOf(dataset)}; check it with: automed data validate ${referenceOf(dataset)}`);
    });
}

function validateCommand(): Command {
  return connected(new Command('validate'))
    .description('check every file of a registered data set and wait for the end; ends with code 1 when it is rejected')
    .argument('<dataset>', 'NAME or NAME@VERSION')
    .option('--no-wait', 'queue the check and leave')
    .option('--json', 'print one JSON document')
    .action(async (reference: string, options: DatasetOptions & { wait: boolean }) => {
      const check = async ({ datasets }: AutomedClient): Promise<Dataset__Output> => {
        const queued = await datasets.validate(reference);
        if (!options.wait) return queued;
        if (waits(queued)) printNote(queued.stateMessage);
        let display: CountDisplay | undefined;
        return datasets
          .wait(referenceOf(queued), {
            onProgress: ({ checkedCount, totalCount }) => {
              if (totalCount > 0) display ??= new CountDisplay(`checking ${referenceOf(queued)}`, totalCount);
              display?.show(checkedCount);
            },
          })
          .finally(() => display?.close());
      };
      const dataset = await withTraining(options, check, { runs: options.wait ? 'watched' : 'nothing' });
      print(dataset, options);
      if (stateOf(dataset) === 'REJECTED') throw new CliError(`${referenceOf(dataset)} is rejected`);
    });
}

function getCommand(): Command {
  return connected(new Command('get'))
    .description('describe a registered data set and what its check found')
    .argument('<dataset>', 'NAME or NAME@VERSION')
    .option('--json', 'print one JSON document')
    .action(async (reference: string, options: DatasetOptions) =>
      print(await withTraining(options, ({ datasets }) => datasets.get(reference)), options),
    );
}

function listCommand(): Command {
  return connected(new Command('list'))
    .description('list the registered data sets, newest first')
    .option('--json', 'print one JSON document')
    .action(async (options: DatasetOptions) => {
      const all = await withTraining(options, ({ datasets }) => collect(datasets.list()));
      if (options.json) return printJson({ datasets: all.map(datasetJson) });
      if (all.length === 0) return printLine('no data sets yet; `automed data register` makes one');
      printLine(table(['DATA SET', 'TASK', 'STATE', 'IMAGES', 'LAYOUT', 'LOCATION'], all.map(rowOf)));
      for (const each of all.filter(waits)) printLine(`${referenceOf(each)}: ${each.stateMessage}`);
    });
}

function deleteCommand(): Command {
  return connected(new Command('delete'))
    .description('forget one version of a data set; its files stay')
    .argument('<dataset>', 'NAME@VERSION')
    .action(async (reference: string, options: DatasetOptions) => {
      await withTraining(options, ({ datasets }) => datasets.delete(reference));
      printLine(`forgot ${reference}; its files are where they were`);
    });
}

function imagesOf({ statistics }: Dataset__Output): number | null {
  if (!statistics) return null;
  const { train, validation, test } = statistics;
  return [train, validation, test].reduce((sum, part) => sum + (part?.imageCount ?? 0), 0);
}

function rowOf(dataset: Dataset__Output): string[] {
  const { spec, layout } = dataset;
  return [
    referenceOf(dataset),
    spec?.task.replace('TASK_', '').toLowerCase() ?? '-',
    stateOf(dataset),
    String(imagesOf(dataset) ?? '-'),
    layout || '-',
    spec?.location ?? '-',
  ];
}

function print(dataset: Dataset__Output, { json }: DatasetOptions): void {
  if (json) return printJson(datasetJson(dataset));
  const { findings, stateMessage, groupColumn, fingerprint } = dataset;
  printLine(table(['DATA SET', 'TASK', 'STATE', 'IMAGES', 'LAYOUT', 'LOCATION'], [rowOf(dataset)]));
  if (fingerprint !== '') printLine(`groups: ${groupColumn || 'none'}; fingerprint ${fingerprint}`);
  if (stateMessage !== '' && findings.length === 0) printLine(stateMessage);
  for (const { error, message } of findings.slice(0, SHOWN_FINDINGS)) {
    printLine(`${error ? 'error' : 'warning'}: ${message}`);
  }
  const more = findings.length - SHOWN_FINDINGS;
  if (more > 0) printLine(`and ${more} more findings; --json lists all`);
}

function datasetJson(dataset: Dataset__Output): object {
  const { name, version, spec, stateMessage, layout, fingerprint, groupColumn, classes, findings, statistics } =
    dataset;
  return {
    name,
    version,
    task: spec?.task.replace('TASK_', '').toLowerCase() ?? null,
    location: spec?.location ?? null,
    state: stateOf(dataset),
    message: stateMessage,
    layout: layout || null,
    fingerprint: fingerprint || null,
    group_column: groupColumn || null,
    classes,
    images: imagesOf(dataset),
    findings: findings.map(({ kind, error, message, names }) => ({ kind, error, message, names })),
    channel_means: statistics?.channelMeans ?? [],
    channel_deviations: statistics?.channelDeviations ?? [],
  };
}
