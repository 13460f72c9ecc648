// Threads for what reads every pixel in JavaScript: on the thread that serves requests 64 megapixels would hold up
// everybody else for seconds.

import { Piscina } from 'piscina';
import { availableCores } from '../common/cores';
import { copiedShared } from './copied';
import { checkSize } from './mask-codes';
import type { MaskTask, RearrangeTask } from './pixel-thread';
import type { SampleOrder } from './rearrange';
import { compiledThread } from '../common/thread-entry';

/** More would take the cores that models run on. */
const MOST_THREADS = 2;
/** Threads that had nothing to do for so long end, milliseconds. */
const IDLE_MS = 10_000;

class PixelPool {
  private threads: Piscina | undefined;

  /** Tasks that threads of the pool have finished. */
  get completed(): number {
    return this.threads?.completed ?? 0;
  }

  /** encodeRle() */
  async rle(mask: Uint8Array, width: number, height: number): Promise<string> {
    checkSize(mask.length, width, height); // here, for a thread's errors arrive without their code
    const task: MaskTask = { mask: await copiedShared(mask), width, height };
    return (await this.run('rle', task)) as string;
  }

  /** encodeMaskPng() */
  async png(mask: Uint8Array, width: number, height: number): Promise<Uint8Array> {
    const task: MaskTask = { mask: await copiedShared(mask), width, height };
    return (await this.run('png', task)) as Uint8Array;
  }

  /** packBits() */
  async bits(mask: Uint8Array, width: number, height: number): Promise<Uint8Array> {
    const task: MaskTask = { mask: await copiedShared(mask), width, height };
    return (await this.run('bits', task)) as Uint8Array;
  }

  /** rearrange() */
  async rearrange(from: Uint8Array, order: SampleOrder): Promise<Uint8Array> {
    const task: RearrangeTask = { ...order, from: await copiedShared(from) };
    return (await this.run('interleave', task)) as Uint8Array;
  }

  /** The threads begin with the first task: programs that only import this have none. */
  private run(name: string, task: MaskTask | RearrangeTask): Promise<unknown> {
    this.threads ??= new Piscina({
      filename: compiledThread('imaging/pixel-thread.js'),
      minThreads: 0,
      maxThreads: Math.min(MOST_THREADS, availableCores()),
      idleTimeout: IDLE_MS,
      execArgv: [],
    });
    return this.threads.run(task, { name });
  }
}

/** The one of this process. */
export const pixelPool = new PixelPool();
