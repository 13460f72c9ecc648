import { Command, Option } from 'commander';
import type { EvaluateBaseRequest } from '../../../proto/gen/automed/bases/v1/EvaluateBaseRequest';
import type { AutomedClient } from '../../client';
import { EVALUATED_PARTS } from '../../worker/protocol/base-words';
import { InterruptedError } from '../program/errors';
import { printJson, printLine } from '../../terminal/print';
import { score } from '../../terminal/table';
import { TrainingDisplay } from '../../terminal/training-display';
import { withTraining, type ConnectOptions, type Connection } from '../program/session';
import { onStopSignal } from '../program/signals';
import { displayEvents } from '../../terminal/display-events';
import { pathForService } from '../training/run';
import { connected, number, structureList, whole, withMaskValues, type Structure } from './options';

interface EvaluateBaseOptions extends ConnectOptions {
  data: string;
  part: keyof typeof EVALUATED_PARTS;
  masksDir?: string;
  structures?: Structure[];
  groupColumn?: string;
  maskValues?: string;
  validationFraction: number;
  testFraction: number;
  limit?: number;
  seed: number;
  device: string;
  threads?: number;
  json?: boolean;
}

/** A base measured as it is: how well it follows the prompts that the true masks make. */
export function evaluateBaseCommand(): Command {
  return withMaskValues(connected(new Command('evaluate')))
    .description('measure how well a base follows a box around, and one point in, each true mask')
    .argument('<base>', 'NAME or NAME@VERSION')
    .requiredOption('--data <folder>', 'images/ and masks/; train/, val/ and test/ are used where they exist')
    .addOption(new Option('--part <part>', 'of the data').choices(Object.keys(EVALUATED_PARTS)).default('validation'))
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
    .option('--threads <count>', 'LibTorch threads of services of its own (default: the cores)', whole(1, 1024))
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
  const { json, part, threads } = options;
  const display = new TrainingDisplay(base);
  const stop = new AbortController();
  const signals = onStopSignal(() => stop.abort());
  const measure = ({ bases }: AutomedClient, { address }: Connection) => {
    const data = pathForService(options.data, address, '--data');
    return bases.evaluate(requestOf(base, options, data), {
      onProgress: displayEvents(display, 'mdsc'),
      signal: stop.signal,
    });
  };
  const result = await withTraining(options, measure, { threads })
    .catch((error: unknown) => {
      throw stop.signal.aborted ? new InterruptedError('cancelled') : error;
    })
    .finally(() => {
      signals.dispose();
      display.close();
    });
  const metrics = JSON.parse(result.metricsJson) as { skipped?: number } & Record<string, unknown>;
  const { skipped = 0 } = metrics;
  if (json) return printJson({ base: result.base, part, skipped, ...(metrics[part] as object) });
  const { images, mdsc, miou, point } = metrics[part] as Scores;
  const left = skipped === 0 ? '' : `, ${skipped} ${skipped === 1 ? 'file' : 'files'} left out`;
  const line = (prompt: string, scores: { mdsc: number; miou: number }): string =>
    `  ${prompt}  mdsc ${score(scores.mdsc)}  miou ${score(scores.miou)}`;
  printLine(`${result.base} on the ${part} part of ${options.data}, ${images} images${left}`);
  printLine(line('true box ', { mdsc, miou }));
  printLine(line('one point', point));
}

function requestOf(base: string, options: EvaluateBaseOptions, data: string): EvaluateBaseRequest {
  const { part, masksDir, groupColumn, maskValues, validationFraction, testFraction, limit, seed, device } = options;
  return {
    base,
    data,
    part: EVALUATED_PARTS[part],
    masksDir: masksDir ?? '',
    structures: options.structures ?? [],
    groupColumn: groupColumn ?? '',
    maskValues: maskValues ?? '',
    validationFraction,
    testFraction,
    ...(limit === undefined ? {} : { limit }),
    seed,
    device,
  };
}
