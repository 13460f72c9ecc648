// Threads that decode DICOM files. The codecs compute for as long as a file makes them, without a pause; here they hold up
// neither the thread that asks nor, when a file makes them loop or run out of memory, the process.

import { availableCores } from '../../common/cores';
import { automedError } from '../../common/errors';
import type { Pixels } from '../pixels/pixels';
import type { Decoded, DecodeRequest, StoredCoding } from './decode-thread';
import { DicomError } from './errors';
import type { DisplayDepth } from './display';
import type { FrameSource } from './frame-source';
import { DICOM_LIMITS, HEADER_BYTES, needsMore, type DicomLimits } from './header';
import type { DicomOutline } from './outline';
import type { SourceFrame } from './segmentation';
import type { StoredFrame } from './stored-values';
import { PooledThread, type Job } from './pooled-thread';

/** What a file gets until its thread is stopped, milliseconds: the largest that are read need a few seconds. */
const DECODE_LIMIT_MS = 60_000;
/** Threads that had nothing to do for so long end, milliseconds: each keeps the memory that its largest picture took. */
const IDLE_MS = 10_000;
/** JavaScript heap of a thread, MiB, which pixels do not count to: far more than the header of 10,000 frames. */
const HEAP_MB = 512;
/** At most so many plain files are sent to a thread together: each takes less time than a message and its answer. */
const TOGETHER = 16;

export interface DecodePoolOptions {
  /** At most so many at a time; default: one for each processor. */
  threads?: number;
  /** JavaScript heap of a thread, MiB; default 512. */
  heapMb?: number;
  /** What a thread that has nothing to do lives on for, milliseconds; default 10,000. */
  idleMs?: number;
}

export interface FrameOptions {
  /** Default: DICOM_LIMITS. */
  limits?: DicomLimits;
  /** What decoding gets from when a thread has the file, milliseconds; default 60,000. */
  limitMs?: number;
  /** Bits of the levels; default: 8. */
  depth?: DisplayDepth | undefined;
  /** Of whoever waits for the frame: once it is aborted the file is not begun, or given up. */
  signal?: AbortSignal | undefined;
}

/** A frame, and which one it is. */
export interface DicomFrame {
  pixels: Pixels;
  source: FrameSource;
}

const cancelled = (): Error => automedError('CANCELLED', 'Decoding the DICOM image was cancelled.');
const isMaybePlain = ({ request: { bytes, wanted }, alone }: Job): boolean =>
  typeof bytes === 'string' && 'stored' in wanted && alone !== true;
const unexpected = (): Error => new Error('a thread answered what was not asked');

/**
 * Decodes each file on a thread of its own, which the next file gets afterwards; threads begin with the first file that finds
 * none free. Files are begun in the order in which they came. One that needs too long, or ends its thread, is refused as
 * damaged (PIXEL_DECODE), and the thread replaced. Files of which nothing is to be done but to read them go to a thread several at a
 * time.
 */
export class DecodePool {
  private readonly threads = new Set<PooledThread>();
  private readonly free: PooledThread[] = [];
  private readonly waiting: Job[] = [];
  /** Numbers of the files in shared memory. */
  private readonly files = new WeakMap<SharedArrayBuffer, number>();
  private lastFile = 0;
  private parsed = 0;
  /** How many files whose values are asked for by path go to a thread at a time: more as long as they prove plain. */
  private together = 1;
  private readonly most: number;
  private readonly heapMb: number;
  private readonly idleMs: number;

  constructor({ threads = availableCores(), heapMb = HEAP_MB, idleMs = IDLE_MS }: DecodePoolOptions = {}) {
    this.most = threads;
    this.heapMb = heapMb;
    this.idleMs = idleMs;
  }

  /** Threads that are there, at work or not. */
  get size(): number {
    return this.threads.size;
  }

  /** Times that a thread has parsed a file: of one in shared memory each does so once, whatever is asked of it in succession. */
  get parsedFiles(): number {
    return this.parsed;
  }

  /**
   * What a display shows of a DICOM image.
   * @param file as that of `frame`
   * @param frame from 0; undefined: the only one
   * @param limitMs what decoding gets from when a thread has the file, milliseconds
   * @throws DicomError
   */
  async picture(file: Uint8Array | string, frame?: number, limitMs = DECODE_LIMIT_MS): Promise<Pixels> {
    return (await this.frame(file, frame, { limitMs })).pixels;
  }

  /**
   * What a display shows of a frame, and which one it is.
   * @param file its path, which its thread reads, or its bytes; they are given away, and empty afterwards where they were alone in
   * their buffer. Bytes of shared memory are not: they must not change as long as they are asked about
   * @param frame from 0; undefined: the only one
   * @throws DicomError; CancelledError; of a path errors with the `code` of the file system
   */
  async frame(
    file: Uint8Array | string,
    frame?: number,
    { limits = DICOM_LIMITS, limitMs = DECODE_LIMIT_MS, depth, signal }: FrameOptions = {},
  ): Promise<DicomFrame> {
    const decoded = await this.decode({ bytes: file, limits, wanted: { frame, depth } }, limitMs, signal);
    if (!('pixels' in decoded) || !decoded.source) throw unexpected();
    return { pixels: decoded.pixels, source: decoded.source };
  }

  /**
   * What the header says of a frame. Copies no more of the file than that needs.
   * @param bytes the whole file, which is not given away
   * @param frame from 0
   * @throws DicomError, also for an object that is no image, and for a frame that it does not have
   */
  async outline(bytes: Uint8Array, frame: number, limits: DicomLimits = DICOM_LIMITS): Promise<DicomOutline> {
    const fileBytes = bytes.length;
    if (fileBytes > limits.maxBytes) {
      throw new DicomError(
        'TOO_LARGE',
        `The DICOM file has ${fileBytes} bytes; at most ${limits.maxBytes} are accepted.`,
      );
    }
    for (let wanted = HEADER_BYTES; ; wanted *= 16) {
      const beginning = new Uint8Array(bytes.subarray(0, wanted));
      try {
        const request = { bytes: beginning, limits, wanted: { outlineOf: frame, fileBytes } };
        const decoded = await this.decode(request, DECODE_LIMIT_MS);
        if (!('outline' in decoded)) throw unexpected();
        return decoded.outline;
      } catch (error) {
        if (wanted >= fileBytes || !needsMore(error)) throw error;
      }
    }
  }

  /**
   * The values that the only frame of a DICOM image stores, neither rescaled nor windowed, and how they were encoded.
   * @param file bytes, given away as those of `frame`, or a path, which its thread reads
   * @param options `into`: memory that the values may be put into; where it is large enough theirs is this, unless reading had to be
   * begun anew. It is given away, but not shared memory, which neither side has to collect: it is the thread's until the answer, and for
   * good where that is an error
   * @throws DicomError; of a path errors with the `code` of the file system
   */
  async stored(
    file: Uint8Array | string,
    { into, limitMs = DECODE_LIMIT_MS }: { into?: ArrayBufferLike | undefined; limitMs?: number } = {},
  ): Promise<StoredFrame & StoredCoding> {
    const decoded = await this.decode({ bytes: file, wanted: { stored: true, into } }, limitMs);
    if (!('stored' in decoded)) throw unexpected();
    return decoded.stored;
  }

  /**
   * What a DICOM segmentation shows of a picture, all segments united: 255, elsewhere 0.
   * @param bytes given away, as those of `frame`
   * @throws DicomError
   */
  async segmentation(bytes: Uint8Array, drawnOn: SourceFrame, limitMs = DECODE_LIMIT_MS): Promise<Pixels> {
    const decoded = await this.decode({ bytes, wanted: { drawnOn } }, limitMs);
    if (!('pixels' in decoded)) throw unexpected();
    return decoded.pixels;
  }

  /** The number of a file in shared memory. */
  private fileOf(bytes: Uint8Array | string): number | undefined {
    if (typeof bytes === 'string') return undefined;
    const { buffer } = bytes;
    if (!(buffer instanceof SharedArrayBuffer)) return undefined;
    const file = this.files.get(buffer) ?? (this.lastFile += 1);
    this.files.set(buffer, file);
    return file;
  }

  private async decode(request: DecodeRequest, limitMs: number, signal?: AbortSignal): Promise<Decoded> {
    if (!signal) return this.queued(request, limitMs);
    if (signal.aborted) throw cancelled();
    const done = new AbortController();
    try {
      return await this.queued(request, limitMs, (job) =>
        signal.addEventListener('abort', () => this.drop(job), { once: true, signal: done.signal }),
      );
    } finally {
      done.abort();
    }
  }

  private queued(request: DecodeRequest, limitMs: number, before?: (job: Job) => void): Promise<Decoded> {
    return new Promise((resolve, reject) => {
      const job: Job = { request: { ...request, file: this.fileOf(request.bytes) }, limitMs, resolve, reject };
      before?.(job);
      this.waiting.push(job);
      this.serve();
    });
  }

  /** Forgets a job that nobody waits for; a thread that has begun with it is given up. */
  private drop(job: Job): void {
    const at = this.waiting.indexOf(job);
    if (at >= 0) this.waiting.splice(at, 1);
    else for (const thread of this.threads) if (thread.has(job)) thread.abandon();
    job.reject(cancelled());
  }

  private serve(): void {
    while (this.waiting.length > 0) {
      if (this.free.length === 0 && this.threads.size >= this.most) return;
      const jobs = this.waiting.splice(0, this.nextCount());
      try {
        this.send(jobs);
      } catch (error) {
        if (jobs.length === 1) jobs[0]?.reject(error);
        // Such as two that give away the same memory: the first one may.
        else this.waiting.unshift(...jobs.map((job) => Object.assign(job, { alone: true })));
      }
    }
  }

  private send(jobs: readonly Job[]): void {
    const thread = this.free.pop() ?? this.start();
    try {
      thread.run(jobs);
    } catch (error) {
      this.free.push(thread);
      throw error;
    }
  }

  /** How many of those that wait the next thread gets: of files that may be plain its share of those that wait one after another. */
  private nextCount(): number {
    const most = Math.min(this.together, Math.ceil(this.waiting.length / this.most));
    const other = this.waiting.slice(0, most).findIndex((job) => !isMaybePlain(job));
    return Math.max(1, other < 0 ? most : other);
  }

  private start(): PooledThread {
    const thread = new PooledThread(this.idleMs, this.heapMb, {
      free: (one, plain) => {
        this.together = plain ? Math.min(TOGETHER, this.together * 2) : 1;
        this.free.push(one);
        this.serve();
      },
      ending: (one) => this.forget(one),
      parsed: () => (this.parsed += 1),
      back: (jobs) => this.waiting.unshift(...jobs),
      gone: (one) => {
        this.forget(one);
        this.threads.delete(one);
        this.serve();
      },
    });
    this.threads.add(thread);
    return thread;
  }

  private forget(thread: PooledThread): void {
    const at = this.free.indexOf(thread);
    if (at >= 0) this.free.splice(at, 1);
  }
}

/** The one of this process, which all that decode share. */
export const dicomPool = new DecodePool();
