// Goodput, latency and memory of gateway and inference service at 0.7 and 5 times their capacity, in an open loop.
//
//   npm run bench:overload [-- --seconds N] [--rounds N] [--deadline MS] [--profile DIR] [--json]      default: 10, 3, 2000
//
// Capacity is what the same client gets from the same services in a closed loop, before and after each load, since machines do not
// keep their speed; what is reported is the median of the rounds. --profile keeps a CPU profile of gateway and inference under each load.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { PROFILE_PATH } from '../../services/common/cpu-profile';
import { serviceDefinition } from '../../services/common/grpc/proto';
import { median } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { LoadClient, summarize, type Summary } from '../support/open-loop';
import { cpuMs, residentMib, startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { machine } from './machine';
import { printResult } from './result';

const SERVICE = 'automed.segmentation.v1.SegmentationService';
const IMAGES = 16;
const CONCURRENCY = 4;
const WARM_UP_MS = 4_000;
/** Of the capacity: a load that it bears, and one that it does not. */
const FACTORS = [0.7, 5];

async function requests(): Promise<Buffer[]> {
  const { requestSerialize } = serviceDefinition<ServiceDefinition>(SERVICE).Segment ?? {};
  if (!requestSerialize) throw new Error('there is no Segment');
  const seeds = Array.from({ length: IMAGES }, (_, at) => at + 1);
  const images = await Promise.all(seeds.map((seed) => discImage(512, 384, seed)));
  return images.map(({ png }) => requestSerialize({ model: 'polyp', image: { encoded: png } }));
}

async function counter({ metricsAddress }: Program, line: RegExp): Promise<number> {
  const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
  return text
    .split('\n')
    .filter((each) => line.test(each))
    .reduce((sum, each) => sum + Number(each.split(' ').at(-1)), 0);
}

const COMPLETED = /^automed_engine_requests_total\{.*outcome="completed"/;
const REFUSED = /^automed_grpc_requests_total\{.*code="RESOURCE_EXHAUSTED"/;

/** Keeps what the JavaScript of a program did for a time. */
async function profile({ metricsAddress }: Program, seconds: number, path: string): Promise<void> {
  const answer = await fetch(`http://${metricsAddress}${PROFILE_PATH}?seconds=${Math.floor(seconds)}`);
  if (!answer.ok) throw new Error(await answer.text());
  writeFileSync(path, Buffer.from(await answer.arrayBuffer()));
}

/** A load, and what the services could do before and after it. */
interface Loaded extends Summary {
  factor: number;
  capacity: number;
}

/** What the loads of all rounds say. */
function figures(loads: readonly Loaded[]): object {
  const [borne = [], beyond = []] = FACTORS.map((factor) => loads.filter((load) => load.factor === factor));
  const goodputs = beyond.map(({ goodput, capacity }) => goodput / capacity);
  const tails = borne.map(({ p50, p99 }) => p99 / p50);
  return {
    capacity_per_second: median(loads.map(({ capacity }) => capacity)),
    ...{ p99_over_p50: median(tails), p99_over_p50_rounds: tails },
    ...{ goodput_ratio: median(goodputs), goodput_ratio_rounds: goodputs },
    refusal_p50_ms: median(beyond.map(({ refusalP50 }) => refusalP50)),
  };
}

/** Gateway and inference service, the loads that they are put under, and what came of each. */
class Bench {
  readonly loads: Loaded[] = [];
  private readonly rows: string[][] = [];

  constructor(
    private readonly programs: { inference: Program; gateway: Program },
    private readonly client: LoadClient,
    private readonly durationMs: number,
    private readonly profiles: string | undefined,
  ) {}

  capacity(): Promise<number> {
    return this.processorTime(() => this.client.capacity(CONCURRENCY, this.durationMs / 2));
  }

  /** @param before the capacity just measured. @returns the one after it */
  async load(factor: number, before: number): Promise<number> {
    const { inference } = this.programs;
    const [completed, refused] = await this.counts();
    const offered = before * factor;
    const profiled = this.profile(factor);
    const outcomes = await this.processorTime(() => this.client.openLoop(offered, this.durationMs));
    await profiled;
    const summary = summarize(outcomes, this.durationMs);
    const [completedNow, refusedNow] = await this.counts();
    process.stdout.write(
      `${factor} x capacity: ${JSON.stringify(summary.byCode)}, ${refusedNow - refused} refused by inference\n`,
    );
    const after = await this.capacity();
    const capacity = (before + after) / 2;
    this.loads.push({ ...summary, factor, capacity });
    const wasted = completedNow - completed - (summary.byCode.OK ?? 0);
    const memory = [inference, this.programs.gateway].map((each) => residentMib(each).toFixed(0)).join(' + ');
    this.rows.push([
      ...[
        `${factor} x capacity`,
        offered.toFixed(1),
        summary.goodput.toFixed(1),
        (summary.goodput / capacity).toFixed(2),
      ],
      ...[summary.p50, summary.p99, summary.refusalP50].map((ms) => ms.toFixed(0)),
      ...[String(wasted), memory],
    ]);
    return after;
  }

  table(): string {
    const times = ['p50 ms', 'p99 ms', 'refusal p50 ms'];
    return table(['load', 'offered/s', 'goodput/s', 'of capacity', ...times, 'wasted', 'resident MiB'], this.rows);
  }

  private counts(): Promise<[number, number]> {
    const { inference } = this.programs;
    return Promise.all([counter(inference, COMPLETED), counter(inference, REFUSED)]);
  }

  private async profile(factor: number): Promise<void> {
    const folder = this.profiles;
    if (folder === undefined) return;
    const named = Object.entries(this.programs);
    await Promise.all(
      named.map(([name, each]) => profile(each, this.durationMs / 1000, join(folder, `${name}-${factor}.cpuprofile`))),
    );
  }

  private async processorTime<T>(run: () => Promise<T>): Promise<T> {
    const all = [this.programs.inference, this.programs.gateway, { child: process }];
    const [before, begun] = [all.map(cpuMs), performance.now()];
    const result = await run();
    const seconds = (performance.now() - begun) / 1000;
    const used = all.map((each, at) => ((cpuMs(each) - (before[at] ?? 0)) / 1000).toFixed(1));
    process.stdout.write(
      `processor seconds of inference, gateway, client: ${used.join(' ')} in ${seconds.toFixed(1)}\n`,
    );
    return result;
  }
}

async function startPrograms(home: string): Promise<{ inference: Program; gateway: Program }> {
  const inference = await startProgram('inference', {
    AUTOMED_HOME: home,
    // The other core is for the client and the gateway.
    AUTOMED_THREADS_PER_WORKER: '1',
    AUTOMED_WORKERS: '1',
    AUTOMED_EMBEDDING_CACHE_BYTES: '0',
    AUTOMED_PRELOAD: 'polyp',
    AUTOMED_LOG_LEVEL: 'error',
  });
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
    AUTOMED_LOG_LEVEL: 'error',
  });
  return { inference, gateway };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '3' },
      deadline: { type: 'string', default: '2000' },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const where = machine();
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  const programs = await startPrograms(home);
  const target = { address: programs.gateway.address, path: `/${SERVICE}/Segment`, requests: await requests() };
  const client = new LoadClient({ ...target, deadlineMs: Number(values.deadline) });
  try {
    // Warms up what answers and what refuses.
    const warm = await client.capacity(CONCURRENCY, WARM_UP_MS);
    await client.openLoop(warm * Math.max(...FACTORS), WARM_UP_MS);
    const run = new Bench(programs, client, Number(values.seconds) * 1000, values.profile);
    let capacity = await run.capacity();
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const factor of FACTORS) capacity = await run.load(factor, capacity);
    }
    process.stdout.write(`${run.table()}\n`);
    if (values.json) printResult({ deadline_ms: Number(values.deadline), ...figures(run.loads) }, where);
  } finally {
    client.close();
    await programs.gateway.stop();
    await programs.inference.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

bench(main);
