import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { Model__Output } from '../../../proto/gen/automed/models/v1/Model';
import type { AutomedClient } from '../../client';
import { runOpenLoop, type CallOutcome } from '../../load/open-loop';
import { summarise, type Latencies, type LoadSummary } from '../../load/summary';
import { CountDisplay } from '../../terminal/count-display';
import { printJson, printLine } from '../../terminal/print';
import { table } from '../../terminal/table';
import { CliError } from '../program/errors';
import { withClient, type ConnectOptions } from '../program/session';
import { connected, examples, FRAME, imageOf, number, whole } from './options';

interface LoadOptions extends ConnectOptions {
  model: string;
  rate: number;
  seconds: number;
  warmup: number;
  deadline: number;
  seed: number;
  frame?: number;
  json?: boolean;
}

export function loadCommand(): Command {
  const positive = number({ min: 0, open: true });
  const command = connected(new Command('load'))
    .description('send requests at a steady rate, as many callers do, and tell latencies and errors')
    .argument('<image...>', 'PNG, JPEG, TIFF, WebP or DICOM files, sent in turn')
    .requiredOption('--model <model>', 'NAME, NAME@VERSION or NAME@ALIAS')
    .option(
      '--rate <number>',
      'requests per second, with random gaps (Poisson), whether or not earlier ones are answered',
      positive,
      10,
    )
    .option('--seconds <number>', 'how long requests are sent', positive, 10)
    .option('--warmup <number>', 'seconds of the same before that, which are not counted', number({ min: 0 }), 2)
    .option('--deadline <seconds>', 'of each request, from when it was due', positive, 60)
    .option('--seed <number>', 'of the gaps', whole(0), 0)
    .option(...FRAME)
    .option('--json', 'print one JSON document')
    .action(load);
  return examples(command, [
    'automed load image.png --model polyp --rate 20 --seconds 60',
    'automed load images/*.png --model polyp@production --rate 5 --deadline 1 --address 10.0.0.7:50051 --json',
  ]);
}

async function load(paths: string[], options: LoadOptions): Promise<void> {
  const images = await Promise.all(paths.map((path) => readFile(path)));
  // A call that is repeated would hide an error, and be two.
  const { model, summary } = await withClient({ ...options, attempts: 1 }, async (client) => {
    const found = await client.models.get(options.model);
    const send = sender(client, found, images, options.frame);
    // Loads the model, and tells what is wrong with the request.
    await send(Infinity, 0);
    await run(send, { ...options, seconds: options.warmup, seed: options.seed + 1 }, 'warming up');
    const outcomes = await run(send, options, `${options.rate} requests per second`);
    return { model: `${found.name}@${found.version}`, summary: summarise(outcomes, options.seconds * 1000) };
  });
  const { rate, seconds, seed, deadline } = options;
  if (options.json) printJson({ model, rate, seconds, seed, deadline, ...summary });
  else printLine(textOf(model, summary, options));
  if (summary.answered === 0) throw new CliError('no request was answered');
}

type Send = (timeoutMs: number, index: number) => Promise<unknown>;

/** One call of the method that the model is for. */
function sender(client: AutomedClient, { name, version, task }: Model__Output, images: Buffer[], frame?: number): Send {
  const model = `${name}@${version}`;
  const service =
    task === 'TASK_CLASSIFICATION'
      ? client.classification.classify.bind(client.classification)
      : client.segmentation.segment.bind(client.segmentation);
  return (timeoutMs, index) => service({ model, image: imageOf(images[index % images.length]!, frame) }, { timeoutMs });
}

async function run(send: Send, { rate, seconds, seed, deadline }: LoadOptions, title: string): Promise<CallOutcome[]> {
  if (seconds === 0) return [];
  const display = new CountDisplay(title, Math.round(rate * seconds));
  let ended = 0;
  return runOpenLoop({
    ...{ rate, seed, send, durationMs: seconds * 1000, deadlineMs: deadline * 1000 },
    onEnd: () => display.show((ended += 1)),
  }).finally(() => display.close());
}

const COLUMNS: readonly (keyof Latencies)[] = ['mean', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max'];

function textOf(model: string, summary: LoadSummary, { rate, seconds }: LoadOptions): string {
  const { calls, answered, answeredPerSecond, latencyMs, lateMs, errors } = summary;
  const row = (title: string, of: Latencies | null): string[][] =>
    of ? [[title, ...COLUMNS.map((name) => of[name].toFixed(1))]] : [];
  return [
    `${model}: ${calls} requests in ${seconds} s (${rate} per second), ${answered} answered (${answeredPerSecond.toFixed(2)} per second)`,
    ...errors.map(({ status, reason, count }) => `  ${status} (${reason}): ${count}`),
    '',
    table(['MILLISECONDS', ...COLUMNS], [...row('due to answer', latencyMs), ...row('due to sent', lateMs)]),
  ].join('\n');
}
