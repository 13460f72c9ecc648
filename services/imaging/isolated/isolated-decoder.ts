// A process that decodes images, as the process that asks sees it.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compiledThread } from '../../common/thread-entry';
import { afterMs } from '../../common/timers';
import { decoderEnvironment } from './config';
import type { DecodeAnswer, DecodeRequest } from './decode-child';

/** A process ended that had an image. */
export class DecoderEnded extends Error {
  constructor(
    readonly signal: NodeJS.Signals | null,
    readonly exitCode: number | null,
    /** It was ended for taking too long. */
    readonly late: boolean,
  ) {
    super(`the process that decoded it ended (${signal ?? `exit code ${exitCode}`})`);
  }
}

/** Files that may be open: those of Node and its threads. */
const OPEN_FILES = 64;

/**
 * Arguments of fork() that start Node within limits (setrlimit(2)): memory that is written to, no file of any size, no core dump,
 * few open files. Elsewhere than on Linux the system does not hold programs to the first one.
 */
function limited(memoryBytes: number): { execPath?: string; execArgv: string[] } {
  if (process.platform === 'win32') return { execArgv: [] };
  const limits = `ulimit -c 0 && ulimit -f 0 && ulimit -n ${OPEN_FILES} && ulimit -d ${Math.ceil(memoryBytes / 1024)}`;
  return { execPath: '/bin/sh', execArgv: ['-c', `${limits} && exec "$0" "$@"`, process.execPath] };
}

/** One image at a time. The process that asks does not wait for it. */
export class IsolatedDecoder {
  private constructor(private readonly child: ChildProcess) {
    child.on('error', () => undefined); // such as a message to a process that is ending: its end says so
    child.unref();
    child.channel?.unref();
  }

  /**
   * @param memoryBytes that it may write to
   * @throws Error when it does not start
   */
  static async start(memoryBytes: number): Promise<IsolatedDecoder> {
    const child = fork(compiledThread('imaging/isolated/decode-child.js'), [], {
      ...limited(memoryBytes),
      env: decoderEnvironment(),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ended = new AbortController();
    try {
      const end = once(child, 'exit', ended).then(([code, signal]) => {
        throw new Error(`a process that decodes images does not start (${String(signal ?? `exit code ${code}`)})`);
      });
      await Promise.race([once(child, 'message', ended), end]); // rejects with an 'error' of the child as well
      return new IsolatedDecoder(child);
    } finally {
      ended.abort();
    }
  }

  get alive(): boolean {
    return this.child.connected && this.child.exitCode === null && this.child.signalCode === null;
  }

  /**
   * @param limitMs after which the process is ended
   * @throws DecoderEnded
   */
  async ask(request: DecodeRequest, limitMs: number): Promise<DecodeAnswer> {
    const { child } = this;
    const done = new AbortController();
    let late = false;
    const alarm = afterMs(limitMs, () => (late = child.kill('SIGKILL')));
    try {
      return await new Promise<DecodeAnswer>((resolve, reject) => {
        const ended = (): void => reject(new DecoderEnded(child.signalCode, child.exitCode, late));
        child.once('message', resolve);
        child.once('exit', ended);
        done.signal.addEventListener('abort', () => child.off('message', resolve).off('exit', ended));
        if (this.alive) child.send(request);
        else ended();
      });
    } finally {
      done.abort();
      alarm.cancel();
    }
  }

  close(): void {
    this.child.kill('SIGKILL');
  }
}
