// What a forward pass takes of memory besides weights and images: activations, freed when it ends. Random weights.
//
//   node -r ./tests/support/stack-register.cjs tests/bench/scratch.ts [ARCH [BATCH]]      default: tiny 1
//
// The peak of the resident set during a call, less what was resident before (Linux).

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, EVERYTHING_DEFAULTS, initBase } from '../../native/lib';
import { byteSize, table } from '../../services/terminal/table';
import { baseArchitecture } from '../../services/store';
import { noise } from '../support/micro';
import { bench } from './keep-alive';

const kilobytes = (name: string): number =>
  1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

/** Bytes that the resident set grows by at most while `work` runs for the first time, what kernels set up included. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  writeFileSync('/proc/self/clear_refs', '5'); // the peak is what is resident now
  const before = kilobytes('VmRSS');
  await work();
  return kilobytes('VmHWM') - before;
}

async function main(): Promise<void> {
  const [arch = 'tiny', size = '1'] = process.argv.slice(2);
  const batch = Number(size);
  const { architecture } = baseArchitecture(arch);
  const folder = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const weights = join(folder, 'base.safetensors');
  await initBase(JSON.stringify(architecture), 1, weights);
  const engine = new Engine({
    device: 'cpu',
    workers: 1,
    threadsPerWorker: 1,
    queueCapacity: 64,
    maxBatch: batch,
    maxBatchWaitMs: batch > 1 ? 200 : 0,
    embeddingCacheBytes: 0,
    embeddingTtlMs: 60_000,
  });
  try {
    const base = await engine.loadBase(weights, JSON.stringify(architecture));
    const side = architecture.image_size;
    const encode = await growth(() =>
      Promise.all(Array.from({ length: batch }, (_, at) => engine.encode(base, noise(side, side, at + 1), {}))),
    );
    const everything = { ...EVERYTHING_DEFAULTS, pointsPerSide: 8 };
    const image = noise(side, side);
    // No mask is kept that random weights draw.
    const found = await growth(() => engine.findEverything(base, image, everything, {}));
    const rows = [
      ['images encoded together', String(batch), byteSize(encode)],
      ['everything mode, one image', '1', byteSize(found)],
    ];
    process.stdout.write(`${table([arch, 'images', 'scratch'], rows)}\n`);
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

bench(main);
