import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { requireStore } from '../../store';
import type { EvaluateBaseSpec } from '../../worker/protocol/protocol';
import { loadConfig } from '../program/config';
import { printJson, printLine } from '../output/print';
import { score } from '../output/table';
import { TrainingDisplay } from '../output/training-display';
import { displayEvents } from '../training/display-events';
import { runWorker } from '../training/worker';
import { number, structureList, whole, withMaskValues, type Structure } from './options';

interface EvaluateBaseOptions {
  data: string;
  part: EvaluateBaseSpec['part'];
  masksDir?: string;
  structures?: Structure[];
  groupColumn?: string;
  maskValues?: string;
  validationFraction: number;
  testFraction: number;
  limit?: number;
  seed: number;
  device: string;
  threads: number;
  home?: string;
  json?: boolean;
}

/** A base measured as it is, on this machine: how well it follows the prompts that the true masks make. */
export function evaluateBaseCommand(): Command {
  return withMaskValues(new Command('evaluate'))
    .description('measure how well a base follows a box around, and one point in, each true mask')
    .argument('<base>', 'NAME or NAME@VERSION')
    .requiredOption('--data <folder>', 'images/ and masks/; train/, val/ and test/ are used where they exist')
    .addOption(
      new Option('--part <part>', 'of the data').choices(['train', 'validation', 'test']).default('validation'),
    )
    .option('--masks-dir <name>', 'folder of the masks beside images/ (default: masks)')
    .option('--structures <list>', 'several, each with its folder: disc=masks,cup=masks_cup', structureList)
    .option('--group-column <name>', 'column of manifest.csv whose groups are never separated')
    .option(
      '--validation-fraction <share>',
      'where the folder has no val/',
      number({ min: 0, max: 1, open: true }),
      0.2,
    )
    .option('--test-fraction <share>', 'where the folder has no test/', number({ min: 0, max: 0.9 }), 0)
    .option('--limit <count>', 'samples of all parts together at most', whole(3))
    .option('--seed <number>', 'of the split and of the points', whole(0), 0)
    .option('--device <name>', 'cpu, cuda, cuda:N or auto', 'auto')
    .option('--threads <count>', 'LibTorch threads', whole(1, 1024), availableParallelism())
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--json', 'print one JSON document')
    .action(evaluateBase);
}

interface Scores {
  images: number;
  mdsc: number;
  miou: number;
  point: { mdsc: number; miou: number };
}

async function evaluateBase(base: string, options: EvaluateBaseOptions): Promise<void> {
  const { home, json, part, ...rest } = options;
  const store = resolve(home ?? loadConfig().home);
  await requireStore(store);
  const scratch = mkdtempSync(join(tmpdir(), 'automed-evaluate-'));
  const display = new TrainingDisplay(base);
  const spec = {
    ...rest,
    part,
    base,
    data: resolve(options.data),
    store,
    jobFolder: scratch,
  };
  try {
    const finished = await runWorker({ type: 'evaluateBase', spec }, displayEvents(display, 'mdsc'));
    display.close();
    const { skipped = 0 } = finished.metrics as { skipped?: number };
    if (json) return printJson({ base: finished.base, part, skipped, ...(finished.metrics[part] as object) });
    const { images, mdsc, miou, point } = finished.metrics[part] as Scores;
    const left = skipped === 0 ? '' : `, ${skipped} ${skipped === 1 ? 'file' : 'files'} left out`;
    const line = (prompt: string, { mdsc, miou }: { mdsc: number; miou: number }): string =>
      `  ${prompt}  mdsc ${score(mdsc)}  miou ${score(miou)}`;
    printLine(`${finished.base ?? base} on the ${part} part of ${options.data}, ${images} images${left}`);
    printLine(line('true box ', { mdsc, miou }));
    printLine(line('one point', point));
  } finally {
    display.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}
