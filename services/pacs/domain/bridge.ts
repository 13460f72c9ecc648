// What goes on without being asked: series are closed, analysed, and their results delivered.

import { keptText, type Analysis, type Packed, type StoredResult } from '../../analysis';
import type { Logger } from '../../common/logging';
import { sleepMs } from '../../common/timers';
import { policyOf, waitMs } from './backoff';
import { judgeFailure } from './failures';
import type { Site } from '../../pacs-site/schema';
import type { Failure, JobOutcome, LeasedJob, Verdict } from './work';

export interface JobBoard {
  claim(leaseMs: number): LeasedJob | undefined;
  renew(job: LeasedJob, leaseMs: number): void;
  /** Whether the results are needed: not where a later revision has overtaken the job. */
  succeed(job: LeasedJob, outcome: JobOutcome): boolean;
  fail(job: LeasedJob, failure: Failure, verdict: Verdict): void;
}

export interface BridgeDeps {
  site: () => Site;
  /** Closes series and studies that have come whole; returns how many jobs that made. */
  closeDue: (site: Site) => number;
  jobs: JobBoard;
  analyse: (job: LeasedJob, signal: AbortSignal) => Promise<Analysis>;
  /** Puts what destinations get on the disk. */
  pack: (job: LeasedJob, analysis: Analysis) => Promise<Packed>;
  /** Deletes results that no journal names. */
  drop: (results: readonly StoredResult[]) => Promise<void>;
  /** Delivers what is due; resolves to whether there was anything. */
  deliver: () => Promise<boolean>;
  /** Reports to senders what they asked for; resolves to whether there was anything. */
  report?: () => Promise<boolean>;
  /** Puts what was drawn into review queues; resolves to whether anything was due. */
  review?: (signal: AbortSignal) => Promise<boolean>;
  /** Looks for what comes by itself, such as files in folders; resolves to whether anything came. */
  takeIn?: (signal: AbortSignal) => Promise<boolean>;
  /** Deletes what is kept no longer; resolves to whether anything was. */
  tidy?: () => Promise<boolean>;
  /** Tells the audit trail what is new. */
  audit?: () => Promise<boolean>;
  /** Sends the audit trail on; resolves to whether anything went. */
  forward?: (signal: AbortSignal) => Promise<boolean>;
  log: Logger;
  onJobEnd?: (state: 'done' | 'again' | 'dead', code: string) => void;
}

/** How often timers of completeness are looked at, and queues in which nothing was found, milliseconds. */
const POLL_MS = 250;
/** How long a job is leased for; renewed while it runs, milliseconds. */
const LEASE_MS = 60_000;
const RENEW_MS = 20_000;

/** Runs the work of the bridge until it is stopped. */
export class Bridge {
  private readonly stopping = new AbortController();
  /** Analyses in a row that found the models away. */
  private away = 0;
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: BridgeDeps) {}

  /** @param workers analyses at a time */
  start(workers: number): void {
    const nothing = (): Promise<boolean> => Promise.resolve(false);
    const { takeIn = nothing, tidy = nothing, audit = nothing, forward = nothing } = this.deps;
    const { report = nothing, review = nothing } = this.deps;
    const steps = [
      () => takeIn(this.stopping.signal),
      tidy,
      audit,
      () => forward(this.stopping.signal),
      () => Promise.resolve(this.close()),
      () => this.deps.deliver(),
      report,
      () => review(this.stopping.signal),
      ...Array.from({ length: workers }, () => () => this.runOne()),
    ];
    this.running = Promise.all(steps.map((step) => this.repeat(step)));
  }

  /** Stops; what runs is given up, and taken up again at the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** @param step resolves to whether there was anything to do */
  private async repeat(step: () => Promise<boolean>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const busy = await step().catch((error: unknown) => {
        this.deps.log.error({ err: error }, 'a step of the bridge failed');
        return false;
      });
      if (!busy) await sleepMs(POLL_MS, { signal }).catch(() => undefined);
    }
  }

  private close(): boolean {
    const jobs = this.deps.closeDue(this.deps.site());
    if (jobs > 0) this.deps.log.debug({ event: 'series-complete', jobs }, 'what has come whole is to be analysed');
    return jobs > 0;
  }

  private async runOne(): Promise<boolean> {
    const { jobs, log } = this.deps;
    const job = jobs.claim(LEASE_MS);
    if (!job) return false;
    const { number, attempts, rule } = job;
    log.info({ event: 'job-begun', job: number, attempts, rule: rule.name, images: job.files.length }, 'analysing');
    const renewing = setInterval(() => jobs.renew(job, LEASE_MS), RENEW_MS);
    try {
      await this.run(job);
    } catch (error) {
      if (this.stopping.signal.aborted) return false;
      this.fail(job, error);
    } finally {
      clearInterval(renewing);
    }
    return true;
  }

  private async run(job: LeasedJob): Promise<void> {
    const { analyse, pack, log, onJobEnd } = this.deps;
    const analysis = await analyse(job, this.stopping.signal);
    log.debug({ event: 'job-answered', job: job.number }, 'answered');
    const packed = await pack(job, analysis);
    log.debug({ event: 'job-written', job: job.number }, 'results are on the disk');
    const { model } = analysis;
    await this.journal(job, { model, context: keptText(analysis), ...packed });
    const kinds = [...new Set(packed.results.map(({ kind }) => kind))];
    log.info({ event: 'job-done', job: job.number, model, results: kinds }, 'analysed');
    onJobEnd?.('done', '');
  }

  private async journal(job: LeasedJob, outcome: JobOutcome): Promise<void> {
    let isKept = false;
    try {
      isKept = this.deps.jobs.succeed(job, outcome);
    } finally {
      if (!isKept) await this.deps.drop(outcome.results);
    }
  }

  private fail(job: LeasedJob, error: unknown): void {
    const { jobs, log, site, onJobEnd } = this.deps;
    const { code, message, transient, away } = judgeFailure(error);
    const policy = policyOf(site().delivery);
    this.away = away ? this.away + 1 : 0;
    const again = away === true || (transient && job.attempts < policy.attempts);
    const verdict: Verdict = away
      ? { again: waitMs(policy, this.away), uncounted: true }
      : again
        ? { again: waitMs(policy, job.attempts) }
        : 'dead';
    jobs.fail(job, { code, message }, verdict);
    const fields = { event: again ? 'job-again' : 'job-dead', job: job.number, code, attempts: job.attempts };
    if (code === 'INTERNAL') log.error({ ...fields, err: error }, 'an analysis failed');
    else log.warn(fields, 'an analysis failed');
    onJobEnd?.(again ? 'again' : 'dead', code);
  }
}
