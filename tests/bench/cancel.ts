// What an engine spends on images whose callers leave: half of all requests are cancelled at a random moment of their stay.
//
//   npm run bench:cancel [-- --json --arch sam-med2d-vit-b --requests 60 --callers 2]
//
// A closed loop of callers on one worker, random weights, no kept embeddings. The last line is JSON: shares of the workers' time
// that went to images whose caller had left (`after`, at most 0.05), and to those whose caller left later (`before`).

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Base, Engine, initBase } from '../../native/lib';
import { baseArchitecture } from '../../services/store/architectures';
import { percentile } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { noise } from '../support/micro';
import { bench } from './keep-alive';
import { machine } from './machine';

const LIMIT = 0.05;
const WARM_UP = 3;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    arch: { type: 'string', default: 'sam-med2d-vit-b' },
    requests: { type: 'string', default: '60' },
    callers: { type: 'string', default: '2' },
  },
});

/** The same numbers in every run. */
function* randomNumbers(): Generator<number, never> {
  for (let state = 1; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

interface Outcomes {
  answered: number;
  cancelled: number;
}

async function loop(engine: Engine, base: Base, stayMs: number): Promise<Outcomes> {
  const random = randomNumbers();
  const outcomes = { answered: 0, cancelled: 0 };
  let left = Number(options.requests);
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const leaves = left % 2 === 0;
      const controller = new AbortController();
      const timer = leaves ? setTimeout(() => controller.abort(), random.next().value * stayMs) : undefined;
      const encoded = engine.encode(base, noise(256, 256), { signal: controller.signal });
      await encoded.then(
        () => (outcomes.answered += 1),
        () => (outcomes.cancelled += 1),
      );
      clearTimeout(timer);
    }
  };
  await Promise.all(Array.from({ length: Number(options.callers) }, caller));
  return outcomes;
}

async function measure(engine: Engine, base: Base): Promise<Record<string, unknown>> {
  const times: number[] = [];
  for (let at = 0; at < WARM_UP; at += 1) {
    const { timings } = await engine.encode(base, noise(256, 256), {});
    times.push(timings.preprocessMs + timings.inferenceMs);
  }
  const stayMs = Number(options.callers) * percentile(times, 0.5);
  const before = engine.stats();
  const outcomes = await loop(engine, base, stayMs);
  const after = engine.stats();
  const total = after.computeSeconds - before.computeSeconds;
  const share = (key: 'wastedBeforeSeconds' | 'wastedAfterSeconds'): number =>
    Number(((after[key] - before[key]) / total).toFixed(4));
  return {
    ...outcomes,
    compute_seconds: Number(total.toFixed(2)),
    wasted_after: share('wastedAfterSeconds'),
    wasted_before: share('wastedBeforeSeconds'),
  };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const engine = new Engine({
    device: 'cpu',
    workers: 1,
    threadsPerWorker: availableParallelism(),
    queueCapacity: 64,
    maxBatch: 1,
    maxBatchWaitMs: 0,
    embeddingCacheBytes: 0,
    embeddingTtlMs: 1,
  });
  try {
    const architecture = JSON.stringify(baseArchitecture(options.arch).architecture);
    const weights = join(folder, 'base.safetensors');
    await initBase(architecture, 1, weights);
    const found = await measure(engine, await engine.loadBase(weights, architecture));
    const rows = Object.entries(found).map(([name, value]) => [name, String(value)]);
    if (!options.json) process.stdout.write(`${table(['half of the callers leave', ''], rows)}\n`);
    const line = { ...found, architecture: options.arch, machine: machine() };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    if (Number(found.wasted_after) > LIMIT) process.exitCode = 1;
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

bench(main);
