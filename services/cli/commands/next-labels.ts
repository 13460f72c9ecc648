import { Command } from 'commander';
import { CountDisplay } from '../../terminal/count-display';
import { nextLabelLines, nextLabelsJson } from '../../terminal/next-labels';
import { printJson, printLine } from '../../terminal/print';
import { InterruptedError } from '../program/errors';
import { withTraining, type ConnectOptions } from '../program/session';
import { onStopSignal } from '../program/signals';
import { connected, whole } from './options';

interface NextLabelsOptions extends ConnectOptions {
  base: string;
  count: number;
  limit: number;
  seed: number;
  json?: boolean;
}

/** Active learning: which images without a label to label next. */
export function nextLabelsCommand(): Command {
  return connected(new Command('next-labels'))
    .description(
      'put the images of a data set that have no label (in its folder unlabelled/, or without a mask) into the order in ' +
        'which labels help most, and measure on the labelled ones whether it helps',
    )
    .argument('<dataset>', 'NAME or NAME@VERSION, registered and checked')
    .requiredOption('--base <base>', 'the base that encodes the images: NAME or NAME@VERSION')
    .option('--count <images>', 'images to name', whole(1, 1000), 100)
    .option('--limit <images>', 'labelled images that are encoded at most', whole(60, 20_000), 2000)
    .option('--seed <number>', 'of what is drawn', whole(0), 0)
    .option('--json', 'print one JSON document')
    .action(nextLabels);
}

async function nextLabels(dataset: string, { json, base, count, limit, seed, ...options }: NextLabelsOptions) {
  const stop = new AbortController();
  const signals = onStopSignal(() => stop.abort());
  let display: CountDisplay | undefined;
  let expected = 0;
  const onProgress = (done: number, total: number): void => {
    if (total !== expected) {
      display?.close();
      display = new CountDisplay(expected === 0 ? `encoding ${dataset}` : 'measuring', total);
      expected = total;
    }
    display?.show(done);
  };
  const request = { dataset, base, count, limit, seed: String(seed) };
  const order = await withTraining(options, ({ datasets }) =>
    datasets.nextLabels(request, { onProgress, signal: stop.signal }),
  )
    .catch((error: unknown) => {
      throw stop.signal.aborted ? new InterruptedError('cancelled') : error;
    })
    .finally(() => {
      signals.dispose();
      display?.close();
    });
  if (json) return printJson(nextLabelsJson(dataset, order));
  for (const line of nextLabelLines(order)) printLine(line);
}
