// Analyses: who works on what, and what came of it.

import type { Database } from '../../../common/database';
import type { Rule } from '../../../pacs-site/schema';
import type { Failure, JobOutcome, LeasedJob, Verdict } from '../../domain/work';
import { failWork, OVERTAKEN } from './overtaken';
import { keptFiles, type Parcels } from './parcels';
import { askReview } from './pending-reviews';

interface JobRow {
  number: number;
  terms: string;
  study: string;
  series: string;
  seriesNumber: number;
  revision: number;
  attempts: number;
  createTime: number;
}

/** The jobs of a journal. */
export class Jobs {
  private readonly finish: (job: LeasedJob, outcome: JobOutcome, now: number) => boolean;

  constructor(
    private readonly database: Database,
    private readonly parcels: Parcels,
  ) {
    const transaction = database.transaction((job: LeasedJob, outcome: JobOutcome, now: number) =>
      this.store(job, outcome, now),
    );
    this.finish = (...args) => transaction.immediate(...args);
  }

  /** Leases the job that is due longest; whoever holds it must renew or end it before the lease ends. */
  claim(leaseMs: number, now = Date.now()): LeasedJob | undefined {
    const row = this.database
      .prepare(
        `UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_until = @now + @leaseMs
         WHERE number = (SELECT number FROM jobs
           WHERE (state = 'queued' AND next_time <= @now) OR (state = 'running' AND lease_until <= @now)
           ORDER BY next_time, number LIMIT 1)
         RETURNING number, terms, series AS seriesNumber, revision, attempts, create_time AS createTime,
           (SELECT series.series FROM series WHERE series.number = jobs.series) AS series,
           (SELECT studies.study FROM studies JOIN series ON series.study = studies.number
            WHERE series.number = jobs.series) AS study`,
      )
      .get({ now, leaseMs }) as JobRow | undefined;
    if (!row) return undefined;
    const { terms, seriesNumber, createTime, ...rest } = row;
    const files = keptFiles(this.database, seriesNumber);
    return { ...rest, rule: JSON.parse(terms) as Rule, created: new Date(createTime), files };
  }

  /** Prolongs the lease. */
  renew({ number }: Pick<LeasedJob, 'number'>, leaseMs: number, now = Date.now()): void {
    this.database
      .prepare(`UPDATE jobs SET lease_until = ? WHERE number = ? AND state = 'running'`)
      .run(now + leaseMs, number);
  }

  /**
   * Ends a job with its results, which are on the disk, and asks for their delivery, all in one step. A job that a later revision
   * of its series has overtaken sends nothing. @returns whether the results are in the journal
   */
  succeed(job: LeasedJob, outcome: JobOutcome, now = Date.now()): boolean {
    return this.finish(job, outcome, now);
  }

  private store(job: LeasedJob, { model, context, ...packed }: JobOutcome, now: number): boolean {
    const later = this.database
      .prepare(
        `SELECT 1 FROM jobs AS later JOIN jobs AS own ON own.number = ? AND later.series = own.series AND
           later.rule = own.rule AND later.revision > own.revision`,
      )
      .get(job.number);
    this.database
      .prepare(
        `UPDATE jobs SET state = ?, lease_until = NULL, end_time = ?, code = '', message = '', model = ?, context = ?
         WHERE number = ?`,
      )
      .run(later ? 'superseded' : 'done', now, model, context, job.number);
    if (!later) {
      this.parcels.insert(job.number, packed, now);
      askReview(this.database, job, now);
    }
    return !later;
  }

  /** Notes why a job failed, and when it is tried again: never, where a later revision has overtaken it. */
  fail({ number }: Pick<LeasedJob, 'number'>, failure: Failure, verdict: Verdict, now = Date.now()): void {
    failWork(this.database, 'jobs', number, failure, verdict, now);
  }

  /** Gives back what a process that is gone had leased: there is one process for a journal. */
  releaseAll(now = Date.now()): void {
    for (const table of ['jobs', 'deliveries'] as const) {
      this.database
        .prepare(
          `UPDATE ${table} SET state = 'superseded', end_time = ?, lease_until = NULL
           WHERE state = 'running' AND ${OVERTAKEN[table]}`,
        )
        .run(now);
      this.database
        .prepare(`UPDATE ${table} SET state = 'queued', next_time = ?, lease_until = NULL WHERE state = 'running'`)
        .run(now);
    }
  }

  /** When the next job is due, milliseconds since 1970; undefined without one. */
  nextTime(): number | undefined {
    const next = this.database.prepare(`SELECT min(next_time) FROM jobs WHERE state = 'queued'`).pluck().get() as
      number | null;
    return next ?? undefined;
  }

  /** Every file of results that the journal names. */
  files(): Set<string> {
    return new Set(this.database.prepare('SELECT file FROM results').pluck().all() as string[]);
  }
}
