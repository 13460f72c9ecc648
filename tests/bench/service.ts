// Where the time of a Segment call goes, beside another checkout's build in the same run.
//
//   npm run bench:service [-- --baseline DIR] [--calls N] [--seconds N] [--arch ARCH] [--images N] [--json]
//
// Default: 200 calls of each build; 5 s a round of load; 10 images through an encoder of ViT-B with adapters, beside gRPC servers in
// Python around PyTorch and onnxruntime (AUTOMED_REFERENCE_PYTHON has torch, grpcio, Pillow, onnx, onnxscript and onnxruntime; what
// cannot start is left out).
//
// Both builds are called in turn, with pictures that they have not seen; what is compared is everything of a call that is not
// inference. Times are the caller's and those that answers tell; the last line of --json is one JSON document.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../services/terminal/table';
import { makeStore, type TestStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { machine } from './machine';
import { printResult } from './result';
import { BareRelay } from './service/bare-relay';
import { MeasuredBuild } from './service/build';
import { measureDistance } from './service/distance';
import { measureLargeBase, type LargeBase } from './service/large-base';
import { measureLoad } from './service/load';
import { measureCalls, STAGES, type BuildTimes, type MeasuredCalls, type Spread } from './service/measure';
import { pictures } from './service/pictures';
import { measureServers } from './service/python-servers';

const ROOT = join(__dirname, '..', '..');
const IMAGES = 8;
/** Pictures by the side of their square; the smaller PNG has 200 kB. */
const CASES = [
  { name: 'png', format: 'png', side: 512 },
  { name: 'jpeg', format: 'jpeg', side: 512 },
  { name: 'png_200_kb', format: 'png', side: 324 },
] as const;

const shown = ({ median, low, high }: Spread): string => `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
const ratio = (of: Spread, to: Spread): number => Number((of.median / to.median).toFixed(3));

function report(format: string, names: readonly string[], { builds: times, bare }: MeasuredCalls): string {
  const rows = STAGES.map((stage) => [stage, ...times.map(({ stages }) => shown(stages[stage]))]);
  rows.push(['not inference', ...times.map(({ rest }) => shown(rest))]);
  rows.push(['gateway hop', ...times.map(({ gatewayHop }) => shown(gatewayHop))]);
  rows.push(['processor time of a call', ...times.map(({ cpuMs }) => cpuMs.toFixed(2))]);
  rows.push(['grpc-js alone: transport', shown(bare.direct)], ['grpc-js alone: hop', shown(bare.hop)]);
  return table([`${format}, ms (quartiles)`, ...names], rows);
}

/** What is compared: this build's times as shares of the baseline's. */
function ratios([own, baseline]: readonly BuildTimes[]): object {
  if (!own) return {};
  return {
    rest_ms: own.rest.median,
    gateway_hop_ms: own.gatewayHop.median,
    ...(baseline
      ? {
          rest_ratio: ratio(own.rest, baseline.rest),
          wall_ratio: ratio(own.stages.wall, baseline.stages.wall),
          cpu_ratio: own.cpuMs / baseline.cpuMs,
        }
      : {}),
  };
}

/** Every build beside the others, with pictures that they have not seen. */
async function compare(home: string, checkouts: readonly Checkout[], calls: number): Promise<Record<string, object>> {
  const builds: MeasuredBuild[] = [];
  const result: Record<string, object> = {};
  const relay = await BareRelay.start();
  try {
    for (const { name, folder } of checkouts) builds.push(await MeasuredBuild.start(name, folder, home));
    const names = builds.map(({ name }) => name);
    for (const { name, format, side } of CASES) {
      const images = await pictures(format, calls + IMAGES, side);
      const kib = Math.round((images[0]?.length ?? 0) / 1024);
      const measured = await measureCalls(builds, relay, images);
      const each = Object.fromEntries(names.map((name, index) => [name, measured.builds[index]]));
      result[name] = { kib, ...ratios(measured.builds), builds: each, bare: measured.bare };
      process.stdout.write(`${report(`${format} of ${kib} KiB`, names, measured)}\n\n`);
    }
    return result;
  } finally {
    for (const build of builds) await build.stop();
    await relay.stop();
  }
}

/** This build under load, without kept embeddings. */
async function load(home: string, store: TestStore, seconds: number): Promise<object> {
  const build = await MeasuredBuild.start('this', ROOT, home, { AUTOMED_EMBEDDING_CACHE_BYTES: '0' });
  try {
    const images = await pictures('png', IMAGES);
    const result = {
      ...(await measureLoad(build.gatewayAddress, store, images, { seconds })),
      ...(await measureDistance(build.gatewayAddress)),
    };
    process.stdout.write(
      `${table(
        ['under load', ''],
        Object.entries(result).flatMap(([name, value]) =>
          typeof value === 'number' ? [[name, value.toFixed(2)]] : [],
        ),
      )}\n`,
    );
    return result;
  } finally {
    await build.stop();
  }
}

/** The inference service beside servers in Python, with a store of its own. */
async function peers(arch: string, images: number): Promise<object> {
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    const servers = await measureServers(home, arch, images);
    const rows = Object.entries(servers).map(([name, { call, ratio: times, first_answer_ms }]) => [
      ...[name, shown(call), times.toFixed(2), (first_answer_ms / 1000).toFixed(1)],
    ]);
    const head = [`image to embedding, ${arch}`, 'ms (quartiles)', 'x this', 'first answer, s'];
    process.stdout.write(`${table(head, rows)}\n`);
    return { arch, images, servers };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** How soon a base of the size that models are published in serves, and what a second head adds. */
async function largeBase(arch: string, size: { images: number; seconds: number }): Promise<LargeBase> {
  const found = await measureLargeBase(ROOT, arch, size);
  const rows = Object.entries({ ...found, ...found.load }).flatMap(([name, value]) =>
    typeof value === 'object' ? [] : [[name, String(value)]],
  );
  process.stdout.write(`${table(['a large base', ''], rows)}\n`);
  return found;
}

interface Checkout {
  name: string;
  folder: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      baseline: { type: 'string' },
      calls: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '5' },
      arch: { type: 'string', default: 'sam-med2d-vit-b' },
      images: { type: 'string', default: '10' },
      json: { type: 'boolean', default: false },
    },
  });
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    const store = await makeStore(home);
    await store.addSegmentation('polyp');
    const others = values.baseline ? [{ name: 'baseline', folder: values.baseline }] : [];
    const where = machine();
    const stages = await compare(home, [{ name: 'this', folder: ROOT }, ...others], Number(values.calls));
    const loaded = await load(home, store, Number(values.seconds));
    const large = await largeBase(values.arch, { images: Number(values.images), seconds: Number(values.seconds) });
    const result = { ...stages, load: loaded, large, peers: await peers(values.arch, Number(values.images)) };
    if (values.json) printResult(result, where);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

bench(main);
