// A process that decodes images, as the process that asks sees it.

import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { compiledThread } from '../common/thread-entry';
import { afterMs } from '../common/timers';
import { decoderEnvironment } from './config';
import { readFrames, writeFrame } from './frames';
import { answerSchema, CHANNEL, type DecodeAnswer, type DecodeRequest } from './messages';

/** By itself, for its time was up, stopped by somebody else, or for an answer that no decoder gives. */
export type EndReason = 'crashed' | 'late' | 'stopped' | 'untrue';

/** A process ended that had an image. */
export class DecoderEnded extends Error {
  constructor(
    readonly reason: EndReason,
    readonly how: string,
  ) {
    super(`the process that decoded it ended (${how})`);
  }
}

/** An answer, and the samples of its pixels. */
export interface Answered {
  answer: DecodeAnswer;
  samples: Buffer;
}

export interface AskOptions {
  /** After which the process is ended. */
  limitMs: number;
  /** Samples that it may answer at most. */
  mostBytes: number;
}

interface Asked extends AskOptions {
  resolve: (answered: Answered) => void;
  reject: (error: Error) => void;
}

/** Files that may be open: those of Node and its threads. */
const OPEN_FILES = 64;
const START_LIMIT_MS = 30_000;
/** Not of the image's doing: out of the system's memory, or stopped by somebody. */
const FOREIGN = new Set<NodeJS.Signals | null>(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP']);

/**
 * A command that starts Node within limits (setrlimit(2)): memory that is written to, no file that grows, no core dump, few open
 * files. Elsewhere than on Linux the system does not hold programs to the first one.
 */
function limited(memoryBytes: number, script: string): [command: string, args: string[]] {
  if (process.platform === 'win32') return [process.execPath, [script]];
  const limits = `ulimit -c 0 && ulimit -f 0 && ulimit -n ${OPEN_FILES} && ulimit -d ${Math.ceil(memoryBytes / 1024)}`;
  return ['/bin/sh', ['-c', `${limits} && exec "$0" "$@"`, process.execPath, script]];
}

/** One image at a time. The process that asks does not wait for it. */
export class IsolatedDecoder {
  private readonly channel: Socket;
  private asked: Asked | undefined;

  private constructor(private readonly child: ChildProcess) {
    this.channel = child.stdio[CHANNEL] as Socket;
    this.channel.on('error', () => undefined); // its end says more
    readFrames(this.channel, {
      mostBytes: () => this.asked?.mostBytes ?? 0,
      frame: (head, samples) => this.hear({ answer: answerSchema.parse(head), samples }),
      fault: () => this.end('untrue', 'it answered what no decoder answers'),
    });
    child.on('error', (error) => this.end('crashed', error.message));
    child.on('exit', (code, signal) => {
      this.end(FOREIGN.has(signal) ? 'stopped' : 'crashed', signal ?? `exit code ${code}`);
    });
  }

  /**
   * @param memoryBytes that it may write to
   * @throws DecoderEnded when it does not start
   */
  static async start(memoryBytes: number): Promise<IsolatedDecoder> {
    const [command, args] = limited(memoryBytes, compiledThread('isolated-decoding/decode-child.js'));
    const child = spawn(command, args, { env: decoderEnvironment(), stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    const decoder = new IsolatedDecoder(child);
    await decoder.next({ limitMs: START_LIMIT_MS, mostBytes: 0 });
    child.unref();
    decoder.channel.unref();
    return decoder;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && !this.channel.destroyed;
  }

  /** @throws DecoderEnded */
  async ask(bytes: Uint8Array, request: DecodeRequest, options: AskOptions): Promise<Answered> {
    const answered = this.next(options);
    writeFrame(this.channel, request, bytes);
    return answered;
  }

  close(): void {
    this.child.kill('SIGKILL');
  }

  private async next(options: AskOptions): Promise<Answered> {
    const alarm = afterMs(options.limitMs, () => this.end('late', 'its time was up'));
    try {
      return await new Promise<Answered>((resolve, reject) => {
        this.asked = { ...options, resolve, reject };
        if (!this.alive) this.end('stopped', 'it was gone');
      });
    } finally {
      alarm.cancel();
    }
  }

  private hear(answered: Answered): void {
    if (!this.asked) throw new Error('nothing was asked');
    this.asked.resolve(answered);
    this.asked = undefined;
  }

  /** For good; the first reason counts. */
  private end(reason: EndReason, how: string): void {
    this.asked?.reject(new DecoderEnded(reason, how));
    this.asked = undefined;
    this.close();
  }
}
