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
  /** It was sent with others in vain: it is sent by itself. */
  alone?: boolean;
}

/** Bytes that are alone in their buffer move to the other thread; others, such as small ones of Node's pool, are copied. */
function movable({ bytes, wanted }: DecodeRequest): ArrayBuffer[] {
  const into = 'stored' in wanted && wanted.into instanceof ArrayBuffer ? [wanted.into] : [];
  if (typeof bytes === 'string') return into;
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer, ...into] : into;
}

/** What a thread says of a file, for whoever asked. Neither says where the file lies: paths may name a patient. */
function errorOf(failure: DecodeFailure): Error {
  if ('defect' in failure) return new DicomError(failure.defect, failure.message);
  return Object.assign(new Error(`${failure.system}: the DICOM file cannot be read`), { code: failure.system });
}

/** Has a job sent again: the memory for its values went with the first message. */
function again(job: Job): Job {
  if ('stored' in job.request.wanted) job.request = { ...job.request, wanted: { stored: true } };
  job.alone = true;
  return job;
}

/** What a thread tells the pool. */
export interface Hears {
  /** It has nothing to do. @param plain whether all files that it was sent were plain (DecodeAnswer) */
  free: (thread: PooledThread, plain: boolean) => void;
  /** It should get nothing any more. */
  ending: (thread: PooledThread) => void;
  gone: (thread: PooledThread) => void;
  parsed: () => void;
  /** Jobs that it was sent with others and did not do, in their order. */
  back: (jobs: readonly Job[]) => void;
}

/**
 * A thread and the file that it has, or several plain ones (DecodeMessage). The process does not wait for a thread without a file.
 */
export class PooledThread {
  private readonly worker: Worker;
  private jobs: readonly Job[] = [];
  private clock: Alarm | undefined;
  /** What it died of. */
  private cause = '';

  constructor(
    private readonly idleMs: number,
    heapMb: number,
    private readonly on: Hears,
  ) {
    this.worker = new Worker(compiledThread('imaging/dicom/decode-thread.js'), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    this.worker.on('message', (answers: DecodeAnswer[]) => this.take(answers));
    // Only its kind: the message may hold values of the header. The exit follows.
    this.worker.on('error', ({ code, name }: NodeJS.ErrnoException) => (this.cause = ` (${code ?? name})`));
    this.worker.on('exit', () => {
      this.fail(`Decoding the DICOM image ended its thread${this.cause}.`);
      on.gone(this);
    });
  }

  /** Whether the thread has this job. */
  has(job: Job): boolean {
    return this.jobs.includes(job);
  }

  /** Ends the job that it has, and itself, unless the job is done in a moment. */
  abandon(): void {
    this.clock?.cancel();
    this.clock = afterMs(GRACE_MS, () => this.end());
  }

  /**
   * @param jobs one, or several of plain files by their paths
   * @throws where a request cannot be sent; the thread is as before
   */
  run(jobs: readonly Job[]): void {
    const requests = jobs.map(({ request }) => request);
    this.worker.postMessage(requests, requests.flatMap(movable));
    this.clock?.cancel();
    this.jobs = jobs;
    this.worker.ref();
    const limitMs = Math.min(...jobs.map((job) => job.limitMs));
    this.clock = afterMs(limitMs, () => {
      this.fail(`Decoding the DICOM image took longer than ${limitMs / 1000} s.`);
      this.end();
    });
  }

  /** Refuses the file. Of several it is not known which one it is: each gets its time and its thread by itself. */
  private fail(message: string): void {
    const jobs = this.settle();
    if (jobs.length > 1) this.on.back(jobs.map(again));
    else jobs[0]?.reject(new DicomError('PIXEL_DECODE', message));
  }

  private take(answers: readonly DecodeAnswer[]): void {
    for (const { parsed } of answers) if (parsed) this.on.parsed();
    const jobs = this.settle();
    // It came just after its time.
    if (jobs.length === 0) return;
    this.worker.unref();
    this.clock = afterMs(this.idleMs, () => this.end(), { unref: true });
    this.on.back(jobs.slice(answers.length).map(again));
    this.on.free(this, answers.length === jobs.length && answers.every(({ plain }) => plain));
    for (const [at, answer] of answers.entries()) {
      if ('defect' in answer || 'system' in answer) jobs[at]?.reject(errorOf(answer));
      else jobs[at]?.resolve(answer);
    }
  }

  /** The files, which are the thread's no longer. */
  private settle(): readonly Job[] {
    this.clock?.cancel();
    const { jobs } = this;
    this.jobs = [];
    return jobs;
  }

  private end(): void {
    this.on.ending(this);
    // Files may be waiting for its place.
    this.worker.ref();
    void this.worker.terminate();
  }
}
