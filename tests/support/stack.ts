// Runs the service programs as processes, as an operator would.

import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Listening } from '../../services/common/lifecycle';

const root = join(__dirname, '../..');
const START_TIMEOUT_MS = 60_000;

export interface Program {
  /** Of gRPC. */
  address: string;
  metricsAddress: string;
  /** Of a gateway's HTTP/JSON; empty when it is off. */
  httpAddress: string;
  child: ChildProcess;
  /** What it logged so far, parsed. */
  lines: Record<string, unknown>[];
  /** All that it has written to standard output and standard error. */
  output(): string;
  /** Sends a signal; resolves to the exit code when the program has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** How a program of this checkout is started from its sources. */
const fromSources = (name: string): string[] => [
  ...['-r', join(root, 'tests/support/stack-register.cjs'), join(root, 'services', name, 'main.ts')],
];

/** The same of a build, this checkout's or another's. */
export const fromBuild = (checkout: string, name: string): string[] => [
  join(checkout, 'dist', 'services', name, 'main.js'),
];

/** Starts services/<name>/main.ts with only these AUTOMED_ variables, on ports of the system's choice. */
export async function startProgram(
  name: string,
  environment: Record<string, string>,
  entry: string[] = fromSources(name),
  startTimeoutMs = START_TIMEOUT_MS,
): Promise<Program> {
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('AUTOMED_'));
  const child = spawn(process.execPath, entry, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...Object.fromEntries(inherited),
      AUTOMED_ADDRESS: '127.0.0.1:0',
      AUTOMED_METRICS_ADDRESS: '127.0.0.1:0',
      AUTOMED_THREADS_PER_WORKER: '1',
      ...environment,
    },
  });
  // A test that fails before it stops its program must not keep the test runner alive; the program ends with it.
  child.unref();
  child.channel?.unref();
  for (const pipe of [child.stdout, child.stderr]) (pipe as Socket | null)?.unref();
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  let written = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line.startsWith('{')) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));

  const listening = await new Promise<Listening>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} did not start: ${complaints}`)), startTimeoutMs);
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as Listening);
    });
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`${name} ended with ${code}: ${complaints}`));
    });
  });
  const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  const { address, metricsAddress = '', httpAddress = '' } = listening;
  const output = (): string => written + complaints;
  return { address, metricsAddress, httpAddress, child, lines, output, stop };
}

/** A gateway in front of one training service and nothing else. */
export async function startTrainingGateway({ address }: Program): Promise<Program> {
  return startProgram('gateway', {
    AUTOMED_TRAINING_BACKENDS: address,
    AUTOMED_SEGMENTATION_BACKENDS: '',
    AUTOMED_CLASSIFICATION_BACKENDS: '',
  });
}

/** Process ids of what a program has started (Linux). */
export function childrenOf({ child }: Program): number[] {
  const text = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

/** Resident memory of a program, MiB (Linux). */
export function residentMib({ child }: { child: { pid?: number | undefined } }): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Processor time that a program has taken so far, milliseconds (Linux). */
export function cpuMs({ child }: { child: { pid?: number | undefined } }): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticksPerSecond = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}
