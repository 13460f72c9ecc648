// Runs the command as a user does: bin/automed.mjs in a process of its own, against the build in dist/ and build/.

import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(__dirname, '..', '..', '..');
const BIN = join(ROOT, 'services', 'cli', 'bin', 'automed.mjs');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** Resolves with the first line of standard output that matches. */
  line: (pattern: RegExp) => Promise<string>;
  /** The same of standard error. */
  says: (pattern: RegExp) => Promise<string>;
}

export function startAutomed(args: readonly string[], environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { out: '', err: '' };
  const watchers = new Set<() => void>();
  for (const [key, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const) {
    stream.on('data', (chunk: Buffer) => {
      written[key] += chunk.toString();
      for (const watcher of watchers) watcher();
    });
  }
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...written })));
  const waitFor = (key: 'out' | 'err', pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = written[key].split('\n').find((text) => pattern.test(text));
        if (found !== undefined) resolve(found);
      };
      watchers.add(look);
      look();
      void ended.then(({ err }) => reject(new Error(`automed ended without ${String(pattern)}: ${err}`)));
    });
  return { child, ended, line: (pattern) => waitFor('out', pattern), says: (pattern) => waitFor('err', pattern) };
}

/** The processes that a process started (Linux). */
export function childrenOf(parent: number): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return new RegExp(`^PPid:\\s+${parent}$`, 'm').test(status) ? [{ pid: Number(name), command }] : [];
      } catch {
        return []; // It ended while we looked.
      }
    });
}

export async function automed(...args: string[]): Promise<Ended> {
  return startAutomed(args).ended;
}
