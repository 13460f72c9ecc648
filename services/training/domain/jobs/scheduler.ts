// Runs what is queued: a worker process per job, so many at once, again from the last checkpoint when one dies.

import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../../../common/make-folder';
import { AutomedError, CancelledError } from '../../../common/errors';
import type { Logger } from '../../../common/logging';
import type { FinishedEvent, WorkerCommand, WorkerEvent } from '../../../worker/protocol/protocol';
import { knownFailure } from '../../../worker/protocol/failure';
import { RankLostError } from '../../../worker/launch/launch-process-group';
import { WorkerCrash, type LaunchOptions } from '../../../worker/launch/launch-worker';
import { previewFolder, jobFolder } from '../../../worker/job-folder/folders';
import { shareOf, type Capacity, type Share } from './capacity';
import type { Change, Job, JobTable } from './job';
import type { JobKinds } from './kinds';
import { moved, type JobQueue } from './queue';
import { recorded } from './record';
import { TRAINING } from './training-kind';
import { waitsFor } from './waiting';
import { afterMs } from '../../../common/timers';

export interface SchedulerSettings {
  /** Root of the store; jobs have their folders below it. */
  home: string;
  capacity: Capacity;
  /** Workers that may die in a row without getting further. */
  maxAttempts: number;
  /** What a worker that was asked to stop gets to do so, milliseconds. */
  stopGraceMs: number;
  /** Between a worker's death and the next one, milliseconds; grows with each death in a row. */
  retryDelayMs: number;
}

export interface SchedulerDeps {
  queue: JobQueue;
  table: JobTable;
  kinds: JobKinds;
  launch: (command: WorkerCommand, options: Omit<LaunchOptions, 'env'>) => Promise<FinishedEvent>;
  log: Logger;
}

interface Attempt {
  stop: AbortController;
  ended: Promise<void>;
  share: Share;
  /** Whether it only finds out how an interrupted job ended; such attempts take nobody's place. */
  settles: boolean;
}

/** Between attempts to write down a change that the disk refused. */
const PERSIST_RETRY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;

/** A worker died, or a rank of several: the job can go on from its last checkpoint. */
const isCrash = (error: unknown): boolean =>
  error instanceof AutomedError && (error.cause instanceof WorkerCrash || error.cause instanceof RankLostError);

export class Scheduler {
  private readonly attempts = new Map<string, Attempt>();
  /** Jobs whose last worker died just now: when the next may start. */
  private readonly notBefore = new Map<string, number>();
  /** Trainings that run though nobody asked for all of them. */
  private readonly watched = new Set<string>();
  /** Seconds of the epochs that workers have told, and of them those in which steps waited for samples. */
  readonly epochTime = { total: 0, dataWait: 0 };
  private runs: 'all' | 'watched' | 'nothing' = 'nothing';
  private stopping = false;

  constructor(
    private readonly deps: SchedulerDeps,
    private readonly settings: SchedulerSettings,
  ) {}

  /** Places of workers that are taken. */
  get running(): number {
    return [...this.attempts.values()].reduce((sum, { share, settles }) => sum + (settles ? 0 : share.places), 0);
  }

  /** What a job that waits waits for, as a sentence; empty for one that does not. */
  waitsFor(job: Job): string {
    // As it was when it was queued, and taken up since.
    if (this.attempts.has(job.id)) return '';
    return waitsFor(job, {
      table: this.deps.table,
      places: this.settings.capacity.concurrency,
      placesOf: (each) => this.share(each).places,
      nounOf: (kind) => this.deps.kinds.get(kind).noun,
      notBefore: (id) => this.notBefore.get(id),
      runs: (each) => this.isWanted(each),
    });
  }

  /**
   * Takes up what an earlier life of the service left, and begins.
   * @param runs `watched`: of trainings only those that `watch` names
   */
  start(runs: 'all' | 'watched' = 'all'): void {
    this.runs = runs;
    const { table, queue } = this.deps;
    for (const { id } of table.inStates(['RUNNING'])) {
      queue.change(id, (job) => moved(job, 'interrupt', 'The service was restarted.'));
    }
    queue.notices.on('work', () => this.look());
    this.look();
  }

  /** Somebody watches this training: where only such ones run, it is one of them from now on. */
  watch(id: string): void {
    this.watched.add(id);
    if (this.runs === 'watched') this.look();
  }

  private isWanted({ id, kind }: Job): boolean {
    if (this.runs !== 'watched') return this.runs === 'all';
    return kind !== TRAINING || this.watched.has(id);
  }

  /** Workers stop at their next step, their jobs wait for the next start of the service. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const { stop } of this.attempts.values()) stop.abort();
    await Promise.all([...this.attempts.values()].map(({ ended }) => ended));
  }

  /** Forgets an ended or paused job and deletes its folder and its previews. */
  async remove(kind: string, id: string): Promise<void> {
    this.deps.queue.delete(kind, id);
    await this.clear(id);
    await this.discard(previewFolder(this.settings.home, id), "a job's previews");
  }

  /** Starts and stops workers as the queue asks for. */
  private look(): void {
    if (this.stopping) return;
    const { table } = this.deps;
    for (const job of table.inStates(['PAUSING', 'CANCELLING'])) {
      const attempt = this.attempts.get(job.id);
      if (attempt) attempt.stop.abort();
      else this.begin(job, true);
    }
    const now = Date.now();
    for (const job of table.inStates(['PENDING', 'RESUMING'])) {
      if (!this.isWanted(job) || this.attempts.has(job.id) || (this.notBefore.get(job.id) ?? 0) > now) continue;
      // A job of several ranks waits for all its places; smaller ones behind it do not overtake it for ever.
      if (this.running + this.share(job).places > this.settings.capacity.concurrency) return;
      this.begin(job, false);
    }
  }

  private share({ kind, spec }: Job): Share {
    return shareOf(this.deps.kinds.get(kind).ranks?.(spec) ?? 1, this.settings.capacity);
  }

  private begin(job: Job, settles: boolean): void {
    const stop = new AbortController();
    const share = this.share(job);
    const ended = this.attempt(job, stop, { share, settles })
      .catch((error: unknown) => this.deps.log.error({ err: error, job: job.id }, 'a job could not be kept up'))
      .finally(() => {
        this.attempts.delete(job.id);
        this.look();
      });
    this.attempts.set(job.id, { stop, ended, share, settles });
  }

  private async attempt(
    { id, kind, spec }: Job,
    stop: AbortController,
    { share, settles }: Pick<Attempt, 'share' | 'settles'>,
  ): Promise<void> {
    const { home, stopGraceMs } = this.settings;
    const { threads } = share;
    try {
      if (!settles) await this.persist(id, (job) => started(job));
      const folder = jobFolder(home, id);
      await makeFolder(folder);
      const command = this.deps.kinds.get(kind).command(spec, { jobId: id, jobFolder: folder, store: home, threads });
      const launched = this.deps.launch(command, {
        signal: stop.signal,
        stopGraceMs,
        onStart: (pid) => this.deps.log.info({ event: 'worker-started', job: id, workerPid: pid }, 'worker started'),
        onEvent: (event) => this.record(id, event),
      });
      if (settles) stop.abort();
      const result = await launched;
      await this.persist(id, (job) => moved(job, 'succeed', '', { result, progress: complete(job) }));
      await this.clear(id);
    } catch (error) {
      await this.failed(id, error);
    }
  }

  /** After an attempt without a result. */
  private async failed(id: string, error: unknown): Promise<void> {
    const { log } = this.deps;
    if (error instanceof CancelledError) {
      const job = await this.persist(id, stopped);
      if (job?.state === 'CANCELLED') await this.clear(id);
    } else if (isCrash(error)) {
      log.warn({ event: 'worker-died', job: id, reason: (error as Error).message }, 'a worker died');
      await this.afterCrash(id, error as AutomedError);
    } else {
      const failure = knownFailure(error) ?? { code: 'INTERNAL', message: 'A fault of ours; the log has the cause.' };
      if (failure.code === 'INTERNAL') log.error({ err: error, job: id }, 'a job failed');
      await this.persist(id, (job) => moved(job, 'fail', failure.message, { error: failure }));
    }
    log.info({ event: 'attempt-ended', job: id }, 'attempt ended');
  }

  private async afterCrash(id: string, { code, message }: AutomedError): Promise<void> {
    const job = await this.persist(id, (now) => {
      const { failures, progress } = afterDeath(now);
      if (failures < this.settings.maxAttempts) return moved(now, 'interrupt', message, { failures, progress });
      const how = `${message} That was ${failures === 1 ? 'the only attempt' : `attempt ${failures} in a row that got no further`}.`;
      return moved(now, 'fail', how, { failures, progress, error: { code, message: how } });
    });
    if (!job || job.state === 'FAILED') return;
    const delay = Math.min(LONGEST_DELAY_MS, this.settings.retryDelayMs * 2 ** (job.failures - 1));
    this.notBefore.set(id, Date.now() + delay);
    const again = (): void => {
      this.notBefore.delete(id);
      this.look();
    };
    afterMs(delay, again, { unref: true });
  }

  /** Events that the disk refuses are lost: a metric less, but the work goes on. */
  private record(id: string, event: WorkerEvent): void {
    if (event.type === 'finished' || event.type === 'failed') return;
    if (event.type === 'epoch') {
      this.epochTime.total += event.seconds;
      this.epochTime.dataWait += event.dataWaitSeconds ?? 0;
    }
    try {
      this.deps.queue.change(id, (job) => recorded(job, event));
    } catch (error) {
      this.deps.log.warn({ err: error, job: id }, 'an event could not be kept');
    }
  }

  /** A change of state must not get lost: it is tried until it is on the disk. Undefined when the job is gone. */
  private async persist(id: string, decide: (job: Job) => Change | undefined): Promise<Job | undefined> {
    for (;;) {
      try {
        return this.deps.queue.change(id, decide);
      } catch (error) {
        if (error instanceof AutomedError) throw error;
        this.deps.log.error({ err: error, job: id }, 'a state could not be kept; trying again');
        // What is not written at shutdown is found out by the next life of the service.
        if (this.stopping) return undefined;
        await sleep(PERSIST_RETRY_MS);
      }
    }
  }

  private async clear(id: string): Promise<void> {
    await this.discard(jobFolder(this.settings.home, id), "a job's folder");
  }

  private async discard(folder: string, what: string): Promise<void> {
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
      this.deps.log.warn({ err: error }, `${what} could not be deleted`),
    );
  }
}

function started(job: Job): Change {
  return moved(job, 'start', '', { attempts: job.attempts + 1, startTime: job.startTime ?? Date.now() });
}

/** A worker stopped as it was asked to: by a caller, or because the service stops. */
function stopped(job: Job): Change | undefined {
  if (job.state === 'RUNNING') return moved(job, 'interrupt', 'The service was stopped.');
  return moved(job, 'stop', '');
}

/** Deaths in a row count from one that came after all the others had got to. */
function afterDeath({ progress, failures }: Job): { failures: number; progress: Job['progress'] } {
  if (progress === null) return { failures: failures + 1, progress };
  const { progress: reached, furthest = 0 } = progress;
  return {
    failures: reached > furthest ? 1 : failures + 1,
    progress: { ...progress, furthest: Math.max(reached, furthest) },
  };
}

function complete({ progress }: Job): Job['progress'] {
  return progress && { ...progress, progress: 1, etaSeconds: 0 };
}
