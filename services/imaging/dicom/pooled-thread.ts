// A thread of the decode pool, as the thread that asks sees it.

import { Worker } from 'node:worker_threads';
import { compiledThread } from '../../common/thread-entry';
import { afterMs, type Alarm } from '../../common/timers';
import type { DecodeAnswer, Decoded, DecodeFailure, DecodeRequest } from './decode-thread';
import { DicomError } from './errors';

/**
 * What a job that nobody waits for may go on, milliseconds: most end by themselves, and the thread with its codecs is spared.
 */
const GRACE_MS = 200;

export interface Job {
  request: DecodeRequest;
  limitMs: number;
  resolve: (decoded: Decoded) => void;
  reject: (error: unknown) => void;
}

/** Bytes that are alone in their buffer move to the other thread; others, such as small ones of Node's pool, are copied. */
function movable({ bytes, wanted }: DecodeRequest): ArrayBuffer[] {
  const into = 'stored' in wanted && wanted.into ? [wanted.into] : [];
  if (typeof bytes === 'string') return into;
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer, ...into] : into;
}

/** What a thread says of a file, for whoever asked. Neither says where the file lies: paths may name a patient. */
function errorOf(failure: DecodeFailure): Error {
  if ('defect' in failure) return new DicomError(failure.defect, failure.message);
  return Object.assign(new Error(`${failure.system}: the DICOM file cannot be read`), { code: failure.system });
}

/** A thread and the one file that it has. The process does not wait for a thread without a file. */
export class PooledThread {
  private readonly worker: Worker;
  private job: Job | undefined;
  private clock: Alarm | undefined;
  /** What it died of. */
  private cause = '';

  /** @param on hears when the thread has nothing to do, when it should get nothing any more, and when it is gone */
  constructor(
    private readonly idleMs: number,
    heapMb: number,
    private readonly on: Record<'free' | 'ending' | 'gone' | 'parsed', (thread: PooledThread) => void>,
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

  /** Whether the thread has this job. */
  has(job: Job): boolean {
    return this.job === job;
  }

  /** Ends the job that it has, and itself, unless the job is done in a moment. */
  abandon(): void {
    this.clock?.cancel();
    this.clock = afterMs(GRACE_MS, () => this.end());
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
    this.worker.postMessage(job.request, movable(job.request));
  }

  private take(answer: DecodeAnswer): void {
    if (answer.parsed) this.on.parsed(this);
    const job = this.settle();
    // It came just after its time.
    if (!job) return;
    this.worker.unref();
    this.clock = afterMs(this.idleMs, () => this.end(), { unref: true });
    this.on.free(this);
    if ('defect' in answer || 'system' in answer) job.reject(errorOf(answer));
    else job.resolve(answer);
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
