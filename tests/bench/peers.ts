import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** What one run took. A neighbour on the machine lengthens the first more than the second. */
export interface Taken {
  /** By the clock on the wall. */
  ms: number;
  /** Of all threads. */
  cpu_ms: number;
}

/** A program that does its work once for each line that it reads and answers with a line of JSON. */
export interface Peer {
  name: string;
  /** @param output file that the result is written to; absent: it is only timed */
  run(output?: string): Promise<Taken>;
  close(): Promise<void>;
}

/** Starts a peer and waits until it is ready. Undefined where it ends first: what it needs is not there. */
export async function startPeer(name: string, command: string, args: readonly string[]): Promise<Peer | undefined> {
  // Threads that spin while they wait would take time from the other peers.
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive', GOMP_SPINCOUNT: '20000' };
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  child.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const close = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  if ((await answers.next()).done === true) return undefined;
  return {
    name,
    run: async (output = '') => {
      child.stdin.write(`${output}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error(`${name} ended`);
      return JSON.parse(value) as Taken;
    },
    close,
  };
}
