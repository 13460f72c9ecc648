import { Command, Option } from 'commander';
import { checkData } from '../../checks/check-data';
import { listSamples } from '../../datasets/split/divide';
import { PARTS } from '../../datasets/files/part-names';
import { resolveSource, taskOf } from '../../datasets/layouts/read-data';
import { CliError } from '../program/errors';
import { ARCHITECTURE_NAMES, checkedInput, type CheckedFor } from '../input/checked-input';
import { CountDisplay } from '../../terminal/count-display';
import { printJson, printLine } from '../../terminal/print';
import { inputJson, reportJson, reportLines } from '../../terminal/data-report';
import { datasetCommands } from './datasets';
import { nextLabelsCommand } from './next-labels';
import {
  examples,
  INTENSITY,
  number,
  structureList,
  whole,
  withLayout,
  withMaskValues,
  type LayoutOptions,
  type Structure,
} from './options';

const TASKS = ['segmentation', 'classification'] as const;
type TaskName = (typeof TASKS)[number];

interface CheckOptions extends LayoutOptions, CheckedFor {
  task?: TaskName;
  masksDir?: string;
  structures?: Structure[];
  groupColumn?: string;
  maskValues?: string;
  intensity?: string;
  validationFraction: number;
  seed: number;
  json?: boolean;
}

export function dataCommand(): Command {
  const command = new Command('data').description(
    'look at labelled images before training on them, and register them with a running service',
  );
  command.addCommand(checkCommand());
  for (const each of [...datasetCommands(), nextLabelsCommand()]) command.addCommand(each);
  return examples(command, [
    'automed data check data/CVC-ClinicDB',
    'automed data check HAM10000 --task classification --json',
    'automed data check data/CVC-ClinicDB --architecture sam-vit-b',
    'automed data register polyps data/CVC-ClinicDB --task segmentation',
    'automed data validate polyps',
    'automed data next-labels polyps --base tiny --count 50',
    'automed data check cases.csv --columns image=file,label=dx,group=patient',
  ]);
}

function checkCommand(): Command {
  return withMaskValues(withLayout(new Command('check')))
    .description(
      'open every image and mask; find unreadable files, duplicates, contradictions and groups that the split tears ' +
        'apart. Ends with code 1 when a score on this data would be wrong',
    )
    .argument('<folder>', 'as for train: a published data set, images/ + masks/, one folder per class, or a CSV file')
    .addOption(new Option('--task <name>', 'default: segmentation where the folder has masks').choices(TASKS))
    .option('--masks-dir <name>', 'folder of the masks beside images/ (default: masks)')
    .option('--structures <list>', 'several, each with its folder: disc=masks,cup=masks_cup', structureList)
    .option('--group-column <name>', 'column of manifest.csv whose groups are never separated')
    .option('--intensity <rule>', INTENSITY)
    .option('--each-mask', 'one sample for each mask, as training on prompts takes them')
    .addOption(
      new Option(
        '--base <base>',
        'the base that is to be trained on: its input decides which lesions vanish',
      ).conflicts(['architecture', 'model']),
    )
    .addOption(
      new Option('--architecture <name>', 'the same of a base that is still to be made (default: 256 px)')
        .choices(ARCHITECTURE_NAMES)
        .conflicts('model'),
    )
    .option('--model <model>', 'the same of a trained model: NAME, NAME@VERSION or NAME@ALIAS')
    .option('--home <folder>', 'the store of these (default: AUTOMED_HOME, else ~/.automed)')
    .option(
      '--validation-fraction <share>',
      'share that training would split off, where the folder has no val/',
      number({ min: 0, max: 1, open: true }),
      0.2,
    )
    .option('--seed <number>', 'of that split', whole(0), 0)
    .option('--json', 'print one JSON document')
    .action(check);
}

async function check(folder: string, options: CheckOptions): Promise<void> {
  const { json } = options;
  const input = await checkedInput(options);
  const task = options.task ?? (await taskOf({ ...options, data: folder }));
  const spec = await resolveSource({ ...options, task, data: folder, strict: false });
  const data = await listSamples(spec);
  const display = new CountDisplay(
    `checking ${folder}`,
    PARTS.reduce((sum, part) => sum + data.parts[part].length, 0),
  );
  const onProgress = (done: number): void => display.show(done);
  const report = await checkData(data, { input, onProgress }).finally(() => display.close());
  const errors = report.findings.filter(({ severity }) => severity === 'error').length;
  if (json)
    printJson({ folder, task, layout: data.layout, ok: errors === 0, input: inputJson(input), ...reportJson(report) });
  else for (const line of reportLines(report, input)) printLine(line);
  if (errors > 0)
    throw new CliError(
      `${errors} ${errors === 1 ? 'finding makes' : 'findings make'} a score on ${folder} wrong or a run fail`,
    );
}
