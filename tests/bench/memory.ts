// Memory of N heads of one base in one process against N processes with one head each, random weights.
//
//   npm run bench:memory [-- ARCH [HEADS]]      default: tiny 4
//
// Counts the proportional set size (pages that processes share are divided among them) after every model has answered.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteSize, table } from '../../services/terminal/table';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { segmentationClient } from '../support/api-clients';

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
  const [arch = 'tiny', count = '4'] = process.argv.slice(2);
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    const store = await makeStore(home, arch);
    const models = Array.from({ length: Number(count) }, (_, at) => `head-${at + 1}`);
    for (const [at, name] of models.entries()) await store.addSegmentation(name, at + 2);
    const weights = (bytes: number): string => byteSize(bytes);
    const head = (await store.store.resolveModel('head-1')).manifest.weights.bytes;
    process.stdout.write(`${arch}: base ${weights(store.base.manifest.weights.bytes)}, head ${weights(head)}\n`);
    const rows = [
      ['no model', '1', byteSize(await measure(home, [[]]))],
      [`${models.length} heads`, '1', byteSize(await measure(home, [models]))],
      [
        `${models.length} heads`,
        String(models.length),
        byteSize(
          await measure(
            home,
            models.map((model) => [model]),
          ),
        ),
      ],
    ];
    process.stdout.write(`${table(['loaded', 'processes', 'memory'], rows)}\n`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

bench(main);
