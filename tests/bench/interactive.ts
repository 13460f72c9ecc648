// Latency of EncodeImage and PredictMasks over gRPC, one caller, random weights.
//
//   npm run bench:interactive [-- ARCH...]      default: tiny sam-med2d-vit-b
//
// Every EncodeImage is of an image that the server has not seen; every PredictMasks is one point on an embedding that it
// holds. Times are the caller's, from sending to holding the answer, masks as PNG at the image's size.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { startProgram } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { interactiveClient } from '../support/api-clients';

const [WIDTH, HEIGHT] = [1024, 768];
const ENCODES = 20;
const PROMPTS = 100;
/** The first calls load the base and warm the allocator. */
const WARM_UP = 3;

type Client = ReturnType<typeof interactiveClient>;

async function timed<T>(call: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  const value = await call();
  return { value, ms: performance.now() - started };
}

async function measureEncode(client: Client, model: string): Promise<number[]> {
  const times: number[] = [];
  for (let seed = 1; seed <= ENCODES + WARM_UP; seed += 1) {
    const image = { encoded: (await discImage(WIDTH, HEIGHT, seed)).png };
    const { ms, value } = await timed(() => client.unary('EncodeImage', { model, image }));
    if (value.timings?.embeddingCached) throw new Error('the server had seen this image before');
    if (seed > WARM_UP) times.push(ms);
  }
  return times;
}

async function measurePrompts(client: Client, model: string): Promise<number[]> {
  const image = { encoded: (await discImage(WIDTH, HEIGHT)).png };
  const { embeddingId } = await client.unary('EncodeImage', { model, image });
  const times: number[] = [];
  for (let at = 0; at < PROMPTS + WARM_UP; at += 1) {
    const points = [{ xPx: (at * 97) % WIDTH, yPx: (at * 31) % HEIGHT }];
    const { ms, value } = await timed(() => client.unary('PredictMasks', { model, embeddingId, points }));
    if (!value.timings?.embeddingCached) throw new Error('the server did not hold the embedding');
    if (at >= WARM_UP) times.push(ms);
  }
  return times;
}

async function measure(arch: string): Promise<string[][]> {
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    await makeStore(home, arch);
    // Threads as the program chooses them, not as tests have them.
    const program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_THREADS_PER_WORKER: '' });
    const client = interactiveClient(program.address);
    const rows: [string, number[]][] = [
      ['EncodeImage', await measureEncode(client, arch)],
      ['PredictMasks', await measurePrompts(client, arch)],
    ];
    client.close();
    await program.stop();
    const shown = (values: number[], fraction: number): string => percentile(values, fraction).toFixed(1);
    return rows.map(([call, times]) => [arch, call, String(times.length), shown(times, 0.5), shown(times, 0.95)]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const named = process.argv.slice(2);
  const rows: string[][] = [];
  for (const arch of named.length > 0 ? named : ['tiny', 'sam-med2d-vit-b']) rows.push(...(await measure(arch)));
  process.stdout.write(`images of ${WIDTH} x ${HEIGHT}, float32\n`);
  process.stdout.write(`${table(['base', 'call', 'calls', 'p50 ms', 'p95 ms'], rows)}\n`);
}

bench(main);
