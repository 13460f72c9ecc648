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
const unexpected = (): Error => new Error('a thread answered what was not asked');

/**
 * Decodes each file on a thread of its own, which the next file gets afterwards; threads begin with the first file that finds
 * none free. Files are begun in the order in which they came. One that needs too long, or ends its thread, is refused as
 * damaged (PIXEL_DECODE), and the thread replaced.
 */
export class DecodePool {
  private readonly threads = new Set<PooledThread>();
  private readonly free: PooledThread[] = [];
  private readonly waiting: Job[] = [];
  /** Numbers of the files in shared memory. */
  private readonly files = new WeakMap<SharedArrayBuffer, number>();
  private lastFile = 0;
  private parsed = 0;
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
   * @param options `into`: memory that the values may be put into, given away; where it is large enough theirs is this
   * @throws DicomError; of a path errors with the `code` of the file system
   */
  async stored(
    file: Uint8Array | string,
    { into, limitMs = DECODE_LIMIT_MS }: { into?: ArrayBuffer | undefined; limitMs?: number } = {},
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
    if (signal?.aborted) throw cancelled();
    const done = new AbortController();
    try {
      return await new Promise((resolve, reject) => {
        const job: Job = { request: { ...request, file: this.fileOf(request.bytes) }, limitMs, resolve, reject };
        signal?.addEventListener('abort', () => this.drop(job), { once: true, signal: done.signal });
        this.waiting.push(job);
        this.serve();
      });
    } finally {
      done.abort();
    }
  }

  /** Forgets a job that nobody waits for; a thread that has begun with it is given up. */
  private drop(job: Job): void {
    const at = this.waiting.indexOf(job);
    if (at >= 0) this.waiting.splice(at, 1);
    else for (const thread of this.threads) if (thread.has(job)) thread.abandon();
    job.reject(cancelled());
  }

  private serve(): void {
    for (let job = this.waiting[0]; job; job = this.waiting[0]) {
      try {
        const thread = this.free.pop() ?? (this.threads.size < this.most ? this.start() : undefined);
        if (!thread) return;
        thread.run(job);
      } catch (error) {
        job.reject(error);
      }
      this.waiting.shift();
    }
  }

  private start(): PooledThread {
    const thread = new PooledThread(this.idleMs, this.heapMb, {
      free: (one) => {
        this.free.push(one);
        this.serve();
      },
      ending: (one) => this.forget(one),
      parsed: () => (this.parsed += 1),
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
