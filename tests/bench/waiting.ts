// What it costs on a quiet machine, and saves on a busy one, that OpenMP's threads sleep soon while they wait: at once
// (OMP_WAIT_POLICY=passive), after a moment, as in the inference service, or when GNU's runtime lets them by itself.
//
//   npm run bench:waiting [-- --arch ARCH] [--calls N] [--json]      default: sam-med2d-vit-b, 20 calls each
//
// EncodeImage of one caller on all cores, the settings in turn; then the same beside one process that wants a core. `active` itself
// cannot take turns: its threads spin for ever, also while others are measured.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BRIEF_SPIN } from '../../native/lib';
import { median } from '../../services/terminal/statistics';
import { table } from '../../services/terminal/table';
import { interactiveClient } from '../support/api-clients';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { bench } from './keep-alive';
import { machine } from './machine';
import { printResult } from './result';

/** Iterations that a thread spins before it sleeps. GNU's default is some milliseconds. */
const POLICIES = { sleeping: '0', spinning_briefly: String(BRIEF_SPIN), spinning: '300000' } as const;
type Policy = keyof typeof POLICIES;
const NAMES = Object.keys(POLICIES) as Policy[];
const WARM_UP = 2;

interface Served {
  program: Program;
  client: ReturnType<typeof interactiveClient>;
}

async function serve(home: string, policy: Policy): Promise<Served> {
  const settings = { AUTOMED_HOME: home, AUTOMED_THREADS_PER_WORKER: '', AUTOMED_LOG_LEVEL: 'error' };
  const program = await startProgram('inference', { ...settings, GOMP_SPINCOUNT: POLICIES[policy] });
  return { program, client: interactiveClient(program.address) };
}

/** Encoder's time of each call, milliseconds, by policy. */
async function measure(served: readonly Served[], model: string, calls: number, first: number): Promise<number[][]> {
  const times = served.map((): number[] => []);
  for (let call = 0; call < calls + WARM_UP; call += 1) {
    const image = { encoded: (await discImage(256, 256, first + call)).png };
    for (const [at, { client }] of served.entries()) {
      const { timings } = await client.unary('EncodeImage', { model, image });
      if (call >= WARM_UP) times[at]?.push(timings?.inferenceMs ?? NaN);
    }
  }
  return times;
}

/** Runs `work` while another process keeps one core busy. */
async function beside<T>(work: () => Promise<T>): Promise<T> {
  const neighbour = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  try {
    return await work();
  } finally {
    neighbour.kill('SIGKILL');
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: 'sam-med2d-vit-b' },
      calls: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  });
  const where = machine();
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const served: Served[] = [];
  try {
    await makeStore(home, values.arch);
    for (const policy of NAMES) served.push(await serve(home, policy));
    const calls = Number(values.calls);
    const quiet = await measure(served, values.arch, calls, 1);
    const busy = await beside(() => measure(served, values.arch, calls, 1_000));
    const of = (times: number[][]): Record<string, number> =>
      Object.fromEntries(NAMES.map((policy, at) => [policy, median(times[at] ?? [])]));
    const result = { arch: values.arch, quiet_ms: of(quiet), beside_a_neighbour_ms: of(busy) };
    const rows = NAMES.map((policy, at) => [
      policy,
      ...[quiet, busy].map((times) => median(times[at] ?? []).toFixed(1)),
    ]);
    process.stdout.write(`${table(['threads that wait', 'alone, ms', 'beside a neighbour, ms'], rows)}\n`);
    if (values.json) printResult(result, where);
  } finally {
    for (const { client, program } of served) {
      client.close();
      await program.stop();
    }
    rmSync(home, { recursive: true, force: true });
  }
}

bench(main);
