// Latency of EncodeImage and PredictMasks over gRPC, one caller, random weights, beside another checkout's build in the same run;
// and the columns that Geti publishes for SAM on CPUs: load (file not in memory, and in memory), encode, decode, end to end.
//
//   npm run bench:interactive [-- --baseline DIR] [--json] [ARCH...]      default: tiny sam-med2d-vit-b
//
// Every image that is encoded is one that the server has not seen; every PredictMasks is one point on an embedding that it
// holds. Times are the caller's, from sending to holding the answer, masks as PNG at the image's size. Builds are asked in turn.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spinBriefly } from '../../native/lib';
import { median, percentile } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { interactiveClient } from '../support/api-clients';
import { fromBuild, startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { loadTimes, type LoadTimes } from './load-times';
import { machine } from './machine';
import { printResult } from './result';

const ROOT = join(__dirname, '..', '..');
const [WIDTH, HEIGHT] = [1024, 768];
const ENCODES = 20;
const PROMPTS = 100;
/** The first calls load the base and warm the allocator. */
const WARM_UP = 3;

type Client = ReturnType<typeof interactiveClient>;

/** One build, and what its calls took, milliseconds. */
interface Asked {
  program: Program;
  client: Client;
  embeddingId: string;
  encode: number[];
  decode: number[];
  /** Of `decode`, what the service says that prompts, mask decoder and drawing take. */
  inference: number[];
  endToEnd: number[];
}

const { values: options, positionals } = parseArgs({
  options: { baseline: { type: 'string' }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});

async function timed<T>(call: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  const value = await call();
  return { value, ms: performance.now() - started };
}

async function start(home: string, checkout: string): Promise<Asked> {
  // Threads as the program chooses them, not as tests have them.
  const settings = { AUTOMED_HOME: home, AUTOMED_THREADS_PER_WORKER: '', AUTOMED_LOG_LEVEL: 'error' };
  const program = await startProgram('inference', settings, fromBuild(checkout, 'inference'));
  const client = interactiveClient(program.address);
  return { program, client, embeddingId: '', encode: [], decode: [], inference: [], endToEnd: [] };
}

/** Two images that no server has seen: one encoded alone, one prompted at once. */
async function encodeOnce(builds: readonly Asked[], model: string, seed: number): Promise<void> {
  const image = { encoded: (await discImage(WIDTH, HEIGHT, 2 * seed)).png };
  const other = { encoded: (await discImage(WIDTH, HEIGHT, 2 * seed + 1)).png };
  for (const build of builds) {
    const { ms, value } = await timed(() => build.client.unary('EncodeImage', { model, image }));
    const points = [{ xPx: WIDTH / 2, yPx: HEIGHT / 2 }];
    const whole = await timed(() => build.client.unary('PredictMasks', { model, image: other, points }));
    const cached = value.timings?.embeddingCached ?? whole.value.timings?.embeddingCached;
    if (cached) throw new Error('the server had seen this image before');
    build.embeddingId = value.embeddingId;
    if (seed < WARM_UP) continue;
    build.encode.push(ms);
    build.endToEnd.push(whole.ms);
  }
}

async function promptOnce(builds: readonly Asked[], model: string, at: number): Promise<void> {
  const points = [{ xPx: (at * 97) % WIDTH, yPx: (at * 31) % HEIGHT }];
  for (const { client, embeddingId, decode, inference } of builds) {
    const { ms, value } = await timed(() => client.unary('PredictMasks', { model, embeddingId, points }));
    if (!value.timings?.embeddingCached) throw new Error('the server did not hold the embedding');
    if (at < WARM_UP) continue;
    decode.push(ms);
    inference.push(value.timings.inferenceMs);
  }
}

interface Measured {
  loads: LoadTimes;
  builds: Asked[];
}

async function measure(arch: string): Promise<Measured> {
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const builds: Asked[] = [];
  try {
    const { base } = await makeStore(home, arch);
    const loads = await loadTimes(base);
    for (const checkout of [ROOT, ...(options.baseline ? [options.baseline] : [])]) {
      builds.push(await start(home, checkout));
    }
    for (let seed = 0; seed < ENCODES + WARM_UP; seed += 1) await encodeOnce(builds, arch, seed);
    for (let at = 0; at < PROMPTS + WARM_UP; at += 1) await promptOnce(builds, arch, at);
    return { loads, builds };
  } finally {
    for (const { client, program } of builds) {
      client.close();
      await program.stop();
    }
    rmSync(home, { recursive: true, force: true });
  }
}

/** What is told of one base. */
function figures({ loads, builds: [own, other] }: Measured): Record<string, number> {
  if (!own) return {};
  return {
    ...{ cold_load_ms: loads.coldMs, warm_load_ms: loads.warmMs },
    ...{
      encode_ms: median(own.encode),
      decode_ms: median(own.decode),
      decoder_ms: median(own.inference),
      end_to_end_ms: median(own.endToEnd),
    },
    ...(other
      ? {
          predict_ratio: median(own.decode) / median(other.decode),
          decoder_over_predict: median(own.inference) / median(other.decode),
          encode_ratio: median(own.encode) / median(other.encode),
        }
      : {}),
  };
}

function rowsOf(arch: string, { builds }: Measured): string[][] {
  const shown = (values: number[], fraction: number): string => percentile(values, fraction).toFixed(1);
  return builds.flatMap(({ encode, decode, inference, endToEnd }, at) =>
    Object.entries({
      EncodeImage: encode,
      PredictMasks: decode,
      'of it, inference': inference,
      'image and prompt': endToEnd,
    }).map(([call, times]) => [
      ...[arch, at === 0 ? 'this' : 'baseline', call],
      ...[String(times.length), shown(times, 0.5), shown(times, 0.95)],
    ]),
  );
}

async function main(): Promise<void> {
  spinBriefly(); // as the inference service does
  const where = machine();
  const bases: Record<string, object> = {};
  const rows: string[][] = [];
  const loads: string[][] = [];
  for (const arch of positionals.length > 0 ? positionals : ['tiny', 'sam-med2d-vit-b']) {
    const measured = await measure(arch);
    bases[arch] = figures(measured);
    rows.push(...rowsOf(arch, measured));
    loads.push([arch, measured.loads.coldMs.toFixed(0), measured.loads.warmMs.toFixed(0)]);
  }
  process.stdout.write(`images of ${WIDTH} x ${HEIGHT}, float32\n`);
  process.stdout.write(`${table(['base', 'build', 'call', 'calls', 'p50 ms', 'p95 ms'], rows)}\n`);
  process.stdout.write(`${table(['base', 'cold load ms', 'warm load ms'], loads)}\n`);
  if (options.json) printResult({ width: WIDTH, height: HEIGHT, bases }, where);
}

bench(main);
