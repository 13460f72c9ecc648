// How the engine scales: images per second by workers and threads, and the encoder's time by the size of its input.
//
//   npm run bench:scaling [-- --arch ARCH] [--sides N,N...] [--seconds N] [--json]      default: sam-vit-b 256,512,1024, 6 s
//
// In one process, random weights, no kept embeddings; configurations take turns, so that a neighbour meets all of them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Engine, initBase, spinBriefly, type Base } from '../../native/lib';
import { availableCores } from '../../services/common/cores';
import { baseArchitecture } from '../../services/store';
import { percentile } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { noise } from '../support/micro';
import { bench } from './keep-alive';
import { machine } from './machine';
import { printResult } from './result';

const ROUNDS = 3;
/** Of the base whose throughput is measured: small enough for many images, large enough for threads to matter. */
const THROUGHPUT_ARCH = 'tiny';

interface Setting {
  workers: number;
  threads: number;
}

interface Throughput extends Setting {
  per_second: number;
}

interface EncoderTime {
  side: number;
  ms: number;
}

function engineOf({ workers, threads }: Setting): Engine {
  return new Engine({
    ...{ device: 'cpu', workers, threadsPerWorker: threads, queueCapacity: 64, maxBatch: 1, maxBatchWaitMs: 0 },
    ...{ embeddingCacheBytes: 0, embeddingTtlMs: 1_000 },
  });
}

async function loadBase(engine: Engine, folder: string, arch: string, side?: number): Promise<Base> {
  const { architecture } = baseArchitecture(arch);
  const text = JSON.stringify(side === undefined ? architecture : { ...architecture, image_size: side });
  const weights = join(folder, `${arch}-${side ?? 'own'}.safetensors`);
  await initBase(text, 1, weights);
  return engine.loadBase(weights, text);
}

/** Workers x threads up to twice the cores. */
function settings(): Setting[] {
  const cores = availableCores();
  const counts = Array.from({ length: Math.ceil(Math.log2(cores)) + 1 }, (_, at) => Math.min(2 ** at, cores));
  return counts.flatMap((workers) =>
    counts.map((threads) => ({ workers, threads })).filter(({ threads }) => workers * threads <= 2 * cores),
  );
}

/** Encodes with two callers for each worker, for a time. */
async function imagesPerSecond(engine: Engine, base: Base, workers: number, ms: number): Promise<number> {
  const images = Array.from({ length: 8 }, (_, at) => noise(256, 256, at + 1));
  const begun = performance.now();
  let answered = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - begun < ms) {
      await engine.encode(base, images[answered % images.length]!, {});
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: 2 * workers }, caller));
  return (answered * 1000) / (performance.now() - begun);
}

async function throughput(folder: string, seconds: number): Promise<Throughput[]> {
  const measured = await Promise.all(
    settings().map(async (setting) => {
      const engine = engineOf(setting);
      return { setting, engine, base: await loadBase(engine, folder, THROUGHPUT_ARCH), found: [] as number[] };
    }),
  );
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const { setting, engine, base, found } of measured) {
        const perSecond = await imagesPerSecond(engine, base, setting.workers, (seconds * 1000) / ROUNDS);
        if (round > 0) found.push(perSecond); // the first warms up
      }
    }
    return measured.map(({ setting, found }) => ({ ...setting, per_second: percentile(found, 0.5) }));
  } finally {
    for (const { engine } of measured) await engine.close();
  }
}

async function encoderTimes(folder: string, arch: string, sides: readonly number[]): Promise<EncoderTime[]> {
  const engine = engineOf({ workers: 1, threads: availableCores() });
  try {
    const measured: { side: number; base: Base; found: number[] }[] = [];
    for (const side of sides) measured.push({ side, base: await loadBase(engine, folder, arch, side), found: [] });
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const { side, base, found } of measured) {
        const { timings } = await engine.encode(base, noise(side, side, round + 1), {});
        if (round > 0) found.push(timings.inferenceMs);
      }
    }
    return measured.map(({ side, found }) => ({ side, ms: percentile(found, 0.5) }));
  } finally {
    await engine.close();
  }
}

async function main(): Promise<void> {
  spinBriefly(); // as the inference service does
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: 'sam-vit-b' },
      sides: { type: 'string', default: '256,512,1024' },
      seconds: { type: 'string', default: '6' },
      json: { type: 'boolean', default: false },
    },
  });
  const where = machine();
  const folder = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    const byThreads = await throughput(folder, Number(values.seconds));
    const bySize = await encoderTimes(folder, values.arch, values.sides.split(',').map(Number));
    const rows = byThreads.map((each) => [each.workers, each.threads, each.per_second.toFixed(1)].map(String));
    process.stdout.write(`${table(['workers', 'threads', `${THROUGHPUT_ARCH}, images/s`], rows)}\n`);
    const sizes = bySize.map(({ side, ms }) => [`${side} x ${side}`, ms.toFixed(0)]);
    process.stdout.write(`${table(['input', `${values.arch}, encoder ms`], sizes)}\n`);
    const result = {
      ...{ throughput_arch: THROUGHPUT_ARCH, throughput: byThreads },
      ...{ encoder_arch: values.arch, encoder: bySize },
    };
    if (values.json) printResult(result, where);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

bench(main);
