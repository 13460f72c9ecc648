// Analyses whose images and answers have not gone to their review queue.

import type { Database } from '../../../common/database';
import type { LeasedJob } from '../../domain/work';

export interface PendingReview {
  /** Number of the analysis. */
  job: number;
  /** Keyed hash of the patient. */
  patient: string;
  /** That failed. */
  attempts: number;
}

/** Part of a transaction of the caller's. */
export function askReview(database: Database, { number, rule }: LeasedJob, now: number): void {
  if (rule.review === undefined) return;
  database.prepare('INSERT OR IGNORE INTO reviews (job, next_time) VALUES (?, ?)').run(number, now);
}

/** The reviews of a journal. */
export class PendingReviews {
  constructor(private readonly database: Database) {}

  /** The one that is due longest. */
  next(now = Date.now()): PendingReview | undefined {
    return this.database
      .prepare(
        `SELECT reviews.job, reviews.attempts, studies.patient FROM reviews JOIN jobs ON jobs.number = reviews.job
           JOIN series ON series.number = jobs.series JOIN studies ON studies.number = series.study
         WHERE reviews.next_time <= ? ORDER BY reviews.next_time, reviews.job LIMIT 1`,
      )
      .get(now) as PendingReview | undefined;
  }

  /** @param pending with the attempts that count */
  later({ job, attempts }: PendingReview, waitMs: number, now = Date.now()): void {
    this.database
      .prepare('UPDATE reviews SET attempts = ?, next_time = ? WHERE job = ?')
      .run(attempts, now + waitMs, job);
  }

  /** It is sent no more until a person tries its study again. */
  giveUp({ job }: PendingReview): void {
    this.database.prepare('UPDATE reviews SET next_time = NULL WHERE job = ?').run(job);
  }

  /** It has gone. */
  remove({ job }: PendingReview): void {
    this.database.prepare('DELETE FROM reviews WHERE job = ?').run(job);
  }
}
