// Runs the benches one after another, keeps what each found as JSON, and writes a report with pictures.
//
//   npm run bench [-- NAME...] [--out DIR] [--compare DIR] [--baseline DIR]      default: all of them, into build/bench
//
// --compare: beside the results of an earlier run, each number as a ratio; refused where they come from another machine.
// --baseline: another checkout's build, beside which bench:service and bench:interactive measure this one.
// A bench that fails is named at the end, and the others go on: some need Python with torch (AUTOMED_REFERENCE_PYTHON).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from '../../services/terminal/table';
import { compareResults } from './compare';
import { bench } from './keep-alive';
import type { BenchResult } from './result';

const ROOT = join(__dirname, '..', '..');
/** In the order of how long they take. */
const BENCHES = [
  ...['cancel', 'decode', 'memory', 'waiting', 'scaling', 'interactive', 'encoder', 'overload', 'training', 'service'],
] as const;
const WITH_BASELINE: readonly string[] = ['interactive', 'service'];

const { values: options, positionals } = parseArgs({
  options: {
    out: { type: 'string', default: join(ROOT, 'build', 'bench') },
    compare: { type: 'string' },
    baseline: { type: 'string' },
  },
  allowPositionals: true,
});

/** Runs a bench and passes on what it prints. @returns its last line */
async function run(name: string): Promise<BenchResult> {
  const baseline = options.baseline && WITH_BASELINE.includes(name) ? ['--baseline', options.baseline] : [];
  const args = ['-r', join(ROOT, 'tests', 'support', 'stack-register.cjs'), join(__dirname, `${name}.ts`)];
  const child = spawn(process.execPath, [...args, '--json', ...baseline], { stdio: ['ignore', 'pipe', 'inherit'] });
  let written = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    process.stdout.write(text);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`bench:${name} ended with ${code}`);
  return JSON.parse(written.trimEnd().split('\n').at(-1) ?? '') as BenchResult;
}

const commandOf = (name: string): string =>
  `npm run bench:${name} --${options.baseline && WITH_BASELINE.includes(name) ? ' --baseline DIR' : ''} --json`;

const pathIn = (folder: string, name: string): string => join(folder, `${name}.json`);
const read = (path: string): BenchResult => JSON.parse(readFileSync(path, 'utf8')) as BenchResult;

/** Every bench that was asked for; what fails is told at the end. */
async function runAll(names: readonly string[]): Promise<string[]> {
  const failed: string[] = [];
  for (const name of names) {
    process.stderr.write(`bench:${name}\n`);
    try {
      const result = await run(name);
      writeFileSync(pathIn(options.out, name), `${JSON.stringify({ command: commandOf(name), ...result }, null, 2)}\n`);
      const earlier = options.compare && pathIn(options.compare, name);
      if (!earlier || !existsSync(earlier)) continue;
      const rows = compareResults(result, read(earlier)).map(({ key, ratio }) => [key, `${ratio.toFixed(2)} x`]);
      process.stdout.write(`${table([`bench:${name}`, 'now / then'], rows)}\n`);
    } catch (error) {
      failed.push(`bench:${name}: ${(error as Error).message}`);
    }
  }
  return failed;
}

interface Figures {
  readResults(folder: string): Record<string, BenchResult>;
  reportOf(results: Record<string, BenchResult>): { markdown: string; drawn: Record<string, string> };
}

async function main(): Promise<void> {
  const unknown = positionals.filter((name) => !(BENCHES as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`no bench ${unknown.join(', ')}; there are ${BENCHES.join(', ')}`);
  mkdirSync(options.out, { recursive: true });
  const failed = await runAll(positionals.length > 0 ? positionals : BENCHES);
  const figures = (await import(pathToFileURL(join(ROOT, 'docs', 'figures.mjs')).href)) as Figures;
  const { markdown, drawn } = figures.reportOf(figures.readResults(options.out));
  for (const [name, svg] of Object.entries(drawn)) writeFileSync(join(options.out, name), svg);
  writeFileSync(join(options.out, 'report.md'), markdown);
  process.stdout.write(`${join(options.out, 'report.md')}\n`);
  if (failed.length > 0) throw new Error(failed.join('\n'));
}

bench(main);
