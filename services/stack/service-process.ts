import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { afterMs, type Alarm } from '../common/timers';
import { addonPath, buildAdvice, packageRoot } from '../common/installation';
import { childEnvironment, stopGraceMs } from './config';
import { LastWords } from './last-words';
import { LineSplitter } from './line-splitter';

/** A program of this package, by the path of its compiled file from dist/. */
export interface Program {
  /** What people call it, e.g. `gateway`. */
  name: string;
  /** Path from dist/, e.g. `services/gateway/main.js`. */
  file: string;
  needsAddon: boolean;
}

/** A program of the stack that is not there or did not start; the message says what to do. */
export class StackError extends Error {
  override readonly name = 'StackError';
}

const listening = z.object({
  type: z.literal('listening'),
  address: z.string().min(1),
  httpAddress: z.string().optional(),
  metricsAddress: z.string().optional(),
});
type Addresses = z.infer<typeof listening>;

/** Path of a compiled program; one line that says how to build what is missing. */
export function programPath(program: Program): string {
  const root = packageRoot();
  const path = join(root, 'dist', program.file);
  const missing = [path, ...(program.needsAddon ? [addonPath(root)] : [])].find((file) => !existsSync(file));
  if (missing !== undefined) throw new StackError(`${relative(root, missing)} is not built yet; ${buildAdvice(root)}`);
  return path;
}

/** Starts a program of this package with an IPC channel, at whose end it ends, and in a process group of its own. */
function forkProgram(program: Program, args: readonly string[], settings: Record<string, string>): ChildProcess {
  return fork(programPath(program), args, {
    // Its own group: Ctrl-C reaches us alone, and we stop the children in order and once.
    detached: true,
    execArgv: [],
    env: childEnvironment(settings),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

export interface StartOptions {
  /** Default: none. */
  args?: readonly string[];
  settings: Record<string, string>;
  startTimeoutMs: number;
  /** Where the child's log lines go, one at a time without its end; absent: nowhere. */
  log?: ((line: string) => void) | undefined;
}

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Last words. */
  reason: string | undefined;
}

export function describeExit({ code, signal, reason }: Exit): string {
  const how = signal === null ? `ended with code ${code ?? 0}` : `was killed by ${signal}`;
  return reason === undefined ? how : `${how}: ${reason}`;
}

/** A service in a process of its own, from the moment that it listens. */
export class ServiceProcess {
  private constructor(
    readonly name: string,
    /** HOST:PORT that it listens on. */
    readonly address: string,
    /** HOST:PORT of HTTP/JSON, where the program offers it. */
    readonly httpAddress: string | undefined,
    /** HOST:PORT of /metrics, where the program offers it. */
    readonly metricsAddress: string | undefined,
    private readonly child: ChildProcess,
    /** Resolves when the process is gone, for whatever reason. */
    readonly exited: Promise<Exit>,
  ) {}

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Starts the program; resolves when it listens, rejects with one line when it ends first. */
  static async start(program: Program, options: StartOptions): Promise<ServiceProcess> {
    const child = forkProgram(program, options.args ?? [], options.settings);
    const tail = new LastWords();
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new LineSplitter((line) => options.log?.(line));
      stream?.on('data', (chunk: Buffer) => {
        tail.add(chunk);
        lines.add(chunk);
      });
      stream?.once('end', () => lines.end());
    }
    const exited = new Promise<Exit>((resolve) => {
      child.once('error', (error) => resolve({ code: 1, signal: null, reason: error.message }));
      child.once('close', (code, signal) => resolve({ code, signal, reason: tail.reason() }));
    });
    const { address, httpAddress, metricsAddress } = await within(
      options.startTimeoutMs,
      Promise.race([
        announcedAddresses(child),
        exited.then((exit) => {
          throw new StackError(`the ${program.name} did not start: it ${describeExit(exit)}`);
        }),
      ]),
      () => {
        child.kill('SIGKILL');
        const limit = `${options.startTimeoutMs} ms`;
        return new StackError(
          `the ${program.name} did not start within ${limit}; AUTOMED_START_TIMEOUT_MS allows it longer`,
        );
      },
    );
    return new ServiceProcess(program.name, address, httpAddress, metricsAddress, child, exited);
  }

  /** Ends it at once, also when it is stopped or hangs. @returns false when it has ended already */
  kill(): boolean {
    return this.child.kill('SIGKILL');
  }

  /** Asks it to finish what runs and end; kills it after `graceMs`. Default: AUTOMED_SHUTDOWN_TIMEOUT_MS and five seconds more. */
  async stop(graceMs = stopGraceMs()): Promise<Exit> {
    this.child.kill('SIGTERM');
    const killer = afterMs(graceMs, () => this.child.kill('SIGKILL'));
    try {
      return await this.exited;
    } finally {
      killer.cancel();
    }
  }
}

function announcedAddresses(child: ChildProcess): Promise<Addresses> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      const parsed = listening.safeParse(message);
      if (parsed.success) resolve(parsed.data);
    });
  });
}

async function within<T>(ms: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  let alarm: Alarm | undefined;
  const late = new Promise<never>((_, reject) => {
    alarm = afterMs(ms, () => reject(onTimeout()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    alarm?.cancel();
  }
}
