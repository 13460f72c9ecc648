// Where the time of a Segment call goes, beside another checkout's build in the same run.
//
//   npm run bench:service [-- --baseline DIR] [--calls N] [--json]      default: 200 calls of each build, image and way
//
// Both builds are called in turn, with pictures whose embeddings they hold: inference is the decoder's, and what is compared is
// everything else. Times are the caller's and those that answers tell; the last line of --json is one JSON document.

import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../services/terminal/table';
import { makeStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { MeasuredBuild } from './service/build';
import { measureCalls, STAGES, type BuildTimes, type Spread } from './service/measure';
import { pictures } from './service/pictures';

const ROOT = join(__dirname, '..', '..');
const IMAGES = 8;
const FORMATS = ['png', 'jpeg'] as const;

const shown = ({ median, low, high }: Spread): string => `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
const ratio = (of: Spread, to: Spread): number => Number((of.median / to.median).toFixed(3));

function report(format: string, names: readonly string[], times: readonly BuildTimes[]): string {
  const rows = STAGES.map((stage) => [stage, ...times.map(({ stages }) => shown(stages[stage]))]);
  rows.push(['not inference', ...times.map(({ rest }) => shown(rest))]);
  rows.push(['gateway hop', ...times.map(({ gatewayHop }) => shown(gatewayHop))]);
  return table([`${format}, ms (quartiles)`, ...names], rows);
}

/** What is compared: this build's times as shares of the baseline's. */
function ratios([own, baseline]: readonly BuildTimes[]): object {
  if (!own) return {};
  return {
    rest_ms: own.rest.median,
    gateway_hop_ms: own.gatewayHop.median,
    ...(baseline
      ? { rest_ratio: ratio(own.rest, baseline.rest), wall_ratio: ratio(own.stages.wall, baseline.stages.wall) }
      : {}),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      baseline: { type: 'string' },
      calls: { type: 'string', default: '200' },
      json: { type: 'boolean', default: false },
    },
  });
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const builds: MeasuredBuild[] = [];
  try {
    await (await makeStore(home)).addSegmentation('polyp');
    const checkouts = [['this', ROOT] as const, ...(values.baseline ? [['baseline', values.baseline] as const] : [])];
    for (const [name, checkout] of checkouts) builds.push(await MeasuredBuild.start(name, checkout, home));
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
    const result: Record<string, object> = { machine };
    for (const format of FORMATS) {
      const images = await pictures(format, IMAGES);
      const times = await measureCalls(builds, images, Number(values.calls));
      const names = builds.map(({ name }) => name);
      result[format] = {
        ...ratios(times),
        builds: Object.fromEntries(names.map((name, index) => [name, times[index]])),
      };
      process.stdout.write(
        `${report(`${format} of ${Math.round((images[0]?.length ?? 0) / 1024)} KiB`, names, times)}\n\n`,
      );
    }
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    for (const build of builds) await build.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

bench(main);
