// Goodput, latency and memory of gateway and inference service at 0.7 and 5 times their capacity, in an open loop.
//
//   npm run bench:overload [-- --seconds N] [--deadline MS] [--profile DIR] [--json]      default: 20, 2000
//
// Capacity is what the same client gets from the same services in a closed loop just before. --profile keeps a CPU profile of gateway
// and inference under each load.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { PROFILE_PATH } from '../../services/common/cpu-profile';
import { serviceDefinition } from '../../services/common/grpc/proto';
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

/** What the two loads say. */
function figures(capacity: number, [borne, beyond]: readonly Summary[]): object {
  if (!borne || !beyond) return {};
  return {
    ...{ capacity_per_second: capacity, p99_over_p50: borne.p99 / borne.p50 },
    ...{ goodput_ratio: beyond.goodput / capacity, refusal_p50_ms: beyond.refusalP50 },
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '20' },
      deadline: { type: 'string', default: '2000' },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const durationMs = Number(values.seconds) * 1000;
  const where = machine();
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
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
  const target = { address: gateway.address, path: `/${SERVICE}/Segment`, requests: await requests() };
  const client = new LoadClient({ ...target, deadlineMs: Number(values.deadline) });
  const rows: string[][] = [];
  const found: Summary[] = [];
  const report = (name: string, offered: number, { goodput, ...rest }: Summary, wasted: number): void => {
    const memory = [inference, gateway].map((each) => residentMib(each).toFixed(0)).join(' + ');
    const times = [rest.p50, rest.p99, rest.refusalP50].map((ms) => ms.toFixed(0));
    rows.push([name, offered.toFixed(1), goodput.toFixed(1), ...times, String(wasted), memory]);
    process.stdout.write(`${name}: ${JSON.stringify(rest.byCode)}\n`);
  };
  const processorTime = async <T>(run: () => Promise<T>): Promise<T> => {
    const all = [inference, gateway, { child: process }];
    const [before, begun] = [all.map(cpuMs), performance.now()];
    const result = await run();
    const seconds = (performance.now() - begun) / 1000;
    const used = all.map((each, at) => ((cpuMs(each) - (before[at] ?? 0)) / 1000).toFixed(1));
    process.stdout.write(
      `processor seconds of inference, gateway, client: ${used.join(' ')} in ${seconds.toFixed(1)}\n`,
    );
    return result;
  };
  try {
    await client.capacity(CONCURRENCY, 3_000); // warms up
    const capacity = await processorTime(() => client.capacity(CONCURRENCY, durationMs / 2));
    process.stdout.write(`capacity ${capacity.toFixed(1)} calls/s, ${CONCURRENCY} callers\n`);
    for (const factor of FACTORS) {
      const before = await counter(inference, COMPLETED);
      const refusedBefore = await counter(inference, REFUSED);
      const profiles =
        values.profile === undefined
          ? []
          : Object.entries({ inference, gateway }).map(([name, each]) =>
              profile(each, durationMs / 1000, join(values.profile ?? '', `${name}-${factor}.cpuprofile`)),
            );
      const outcomes = await processorTime(() => client.openLoop(capacity * factor, durationMs));
      await Promise.all(profiles);
      const summary = summarize(outcomes, durationMs);
      const wasted = (await counter(inference, COMPLETED)) - before - (summary.byCode.OK ?? 0);
      const refused = (await counter(inference, REFUSED)) - refusedBefore;
      process.stdout.write(`refused by the inference service itself: ${refused}\n`);
      report(`${factor} x capacity`, capacity * factor, summary, wasted);
      found.push(summary);
    }
    const header = ['load', 'offered/s', 'goodput/s', 'p50 ms', 'p99 ms', 'refusal p50 ms', 'wasted', 'resident MiB'];
    process.stdout.write(`${table(header, rows)}\n`);
    if (values.json) printResult({ deadline_ms: Number(values.deadline), ...figures(capacity, found) }, where);
  } finally {
    client.close();
    await gateway.stop();
    await inference.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

bench(main);
