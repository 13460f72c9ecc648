// Memory of N heads of one base in one process, beside N processes with one head each, random weights.
//
//   npm run bench:memory [-- --arch ARCH] [--heads N,N...] [--json]      default: tiny 0,1,2,4,8
//
// Counts the proportional set size (pages that processes share are divided among them) after every model has answered.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { byteSize, table } from '../../services/terminal/table';
import { segmentationClient } from '../support/api-clients';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { machine } from './machine';
import { printResult } from './result';

/** More processes than these are not started: each further one takes as much as the last. */
const MOST_PROCESSES = 4;

/** Bytes of one process, with its share of what it has in common with others. */
function proportionalBytes({ child }: Program): number {
  const text = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8');
  const [, kilobytes = 'NaN'] = /^Pss:\s+(\d+) kB/m.exec(text) ?? [];
  return Number(kilobytes) * 1024;
}

async function ask(program: Program, models: readonly string[]): Promise<void> {
  const client = segmentationClient(program.address);
  const image = { encoded: (await discImage()).png };
  for (const model of models) await client.unary('Segment', { model, image });
  client.close();
}

/** Runs one process per list of models, all at the same time; resolves to their bytes together. */
async function measure(home: string, processes: readonly (readonly string[])[]): Promise<number> {
  const programs: Program[] = [];
  try {
    for (const models of processes) {
      const program = await startProgram('inference', { AUTOMED_HOME: home });
      programs.push(program);
      await ask(program, models);
    }
    return programs.reduce((sum, program) => sum + proportionalBytes(program), 0);
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: 'tiny' },
      heads: { type: 'string', default: '0,1,2,4,8' },
      json: { type: 'boolean', default: false },
    },
  });
  const where = machine();
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    const store = await makeStore(home, values.arch);
    const counts = values.heads.split(',').map(Number);
    const models = Array.from({ length: Math.max(...counts) }, (_, at) => `head-${at + 1}`);
    for (const [at, name] of models.entries()) await store.addSegmentation(name, at + 2);
    const points: { heads: number; one_process: number; process_each: number | null }[] = [];
    for (const heads of counts) {
      const loaded = models.slice(0, heads);
      const apart = heads > 0 && heads <= MOST_PROCESSES ? loaded.map((model) => [model]) : undefined;
      points.push({
        heads,
        one_process: await measure(home, [loaded]),
        process_each: apart ? await measure(home, apart) : null,
      });
    }
    const rows = points.map(({ heads, one_process, process_each }) => [
      ...[String(heads), byteSize(one_process), process_each === null ? '' : byteSize(process_each)],
    ]);
    process.stdout.write(`${table([`heads of one ${values.arch} base`, 'one process', 'a process each'], rows)}\n`);
    if (values.json) printResult({ arch: values.arch, points }, where);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

bench(main);
