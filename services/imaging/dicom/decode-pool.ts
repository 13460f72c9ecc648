// Threads that decode DICOM files. The codecs compute for as long as a file makes them, without a pause; here they hold up
// neither the thread that asks nor, when a file makes them loop or run out of memory, the process.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Pixels } from '../pixels/pixels';
import { compiledThread } from '../../common/thread-entry';
import type { DecodeAnswer, DecodeRequest } from './decode-thread';
import { DicomError } from './errors';
import type { SourceFrame } from './segmentation';
import { afterMs, type Alarm } from '../../common/timers';

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

interface Job {
  request: DecodeRequest;
  limitMs: number;
  resolve: (pixels: Pixels) => void;
  reject: (error: unknown) => void;
}

/** Bytes that are alone in their buffer move to the other thread; others, such as small ones of Node's pool, are copied. */
function movable({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}

/** A thread and the one file that it has. The process does not wait for a thread without a file. */
class DecodeThread {
  private readonly worker: Worker;
  private job: Job | undefined;
  private clock: Alarm | undefined;
  /** What it died of. */
  private cause = '';

  /** @param on hears when the thread has nothing to do, when it should get nothing any more, and when it is gone */
  constructor(
    private readonly idleMs: number,
    heapMb: number,
    private readonly on: Record<'free' | 'ending' | 'gone' | 'parsed', (thread: DecodeThread) => void>,
  ) {
    this.worker = new Worker(compiledThread('imaging/dicom/decode-thread.js'), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    this.worker.on('message', (answer: DecodeAnswer) => this.take(answer));
    // Only its kind: the message may hold values of the header. The exit follows.
    this.worker.on('error', ({ code, name }: NodeJS.ErrnoException) => (this.cause = ` (${code ?? name})`));
    this.worker.on('exit', () => {
      const message = `Decoding the DICOM image ended its thread${this.cause}.`;
      this.settle()?.reject(new DicomError('PIXEL_DECODE', message));
      on.gone(this);
    });
  }

  run(job: Job): void {
    this.clock?.cancel();
    this.job = job;
    this.worker.ref();
    this.clock = afterMs(job.limitMs, () => {
      const seconds = job.limitMs / 1000;
      this.settle()?.reject(new DicomError('PIXEL_DECODE', `Decoding the DICOM image took longer than ${seconds} s.`));
      this.end();
    });
    this.worker.postMessage(job.request, movable(job.request.bytes));
  }

  private take(answer: DecodeAnswer): void {
    if (answer.parsed) this.on.parsed(this);
    const job = this.settle();
    // It came just after its time.
    if (!job) return;
    this.worker.unref();
    this.clock = afterMs(this.idleMs, () => this.end(), { unref: true });
    this.on.free(this);
    if ('pixels' in answer) job.resolve(answer.pixels);
    else job.reject(new DicomError(answer.defect, answer.message));
  }

  /** The file, which is the thread's no longer. */
  private settle(): Job | undefined {
    this.clock?.cancel();
    const { job } = this;
    this.job = undefined;
    return job;
  }

  private end(): void {
    this.on.ending(this);
    // Files may be waiting for its place.
    this.worker.ref();
    void this.worker.terminate();
  }
}

/**
 * Decodes each file on a thread of its own, which the next file gets afterwards; threads begin with the first file that finds
 * none free. Files are begun in the order in which they came. One that needs too long, or ends its thread, is refused as
 * damaged (PIXEL_DECODE), and the thread replaced.
 */
export class DecodePool {
  private readonly threads = new Set<DecodeThread>();
  private readonly free: DecodeThread[] = [];
  private readonly waiting: Job[] = [];
  /** Numbers of the files in shared memory. */
  private readonly files = new WeakMap<SharedArrayBuffer, number>();
  private lastFile = 0;
  private parsed = 0;
  private readonly most: number;
  private readonly heapMb: number;
  private readonly idleMs: number;

  constructor({ threads = availableParallelism(), heapMb = HEAP_MB, idleMs = IDLE_MS }: DecodePoolOptions = {}) {
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
   * @param bytes the file; they are given away, and empty afterwards where they were alone in their buffer. Bytes of shared
   * memory are not: they must not change as long as they are asked about
   * @param frame from 0; undefined: the only one
   * @param limitMs what decoding gets from when a thread has the file, milliseconds
   * @throws DicomError
   */
  picture(bytes: Uint8Array, frame?: number, limitMs = DECODE_LIMIT_MS): Promise<Pixels> {
    return this.decode({ bytes, wanted: { frame } }, limitMs);
  }

  /**
   * The values that the only frame of a DICOM image stores, neither rescaled nor windowed: as uint8 or uint16, and negative
   * ones or those of 32 bits as float32.
   * @param bytes given away, as those of `picture`
   * @throws DicomError
   */
  stored(bytes: Uint8Array, limitMs = DECODE_LIMIT_MS): Promise<Pixels> {
    return this.decode({ bytes, wanted: { stored: true } }, limitMs);
  }

  /**
   * What a DICOM segmentation shows of a picture, all segments united: 255, elsewhere 0.
   * @param bytes given away, as those of `picture`
   * @throws DicomError
   */
  segmentation(bytes: Uint8Array, drawnOn: SourceFrame, limitMs = DECODE_LIMIT_MS): Promise<Pixels> {
    return this.decode({ bytes, wanted: { drawnOn } }, limitMs);
  }

  /** The number of a file in shared memory. */
  private fileOf({ buffer }: Uint8Array): number | undefined {
    if (!(buffer instanceof SharedArrayBuffer)) return undefined;
    const file = this.files.get(buffer) ?? (this.lastFile += 1);
    this.files.set(buffer, file);
    return file;
  }

  private decode(request: DecodeRequest, limitMs: number): Promise<Pixels> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request: { ...request, file: this.fileOf(request.bytes) }, limitMs, resolve, reject });
      this.serve();
    });
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

  private start(): DecodeThread {
    const thread = new DecodeThread(this.idleMs, this.heapMb, {
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

  private forget(thread: DecodeThread): void {
    const at = this.free.indexOf(thread);
    if (at >= 0) this.free.splice(at, 1);
  }
}
