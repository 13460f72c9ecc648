// Studies that nobody needs any more: nothing of them waits, was given up, or is held, and nothing new has come for some time.

import type { Database } from '../../../common/database';
import type { OfStudy } from './auditable';

/** A study that may be deleted. */
export type Finished = OfStudy;

export interface Purged extends Finished {
  /** Files below the spool, and below the outbox. */
  received: string[];
  results: string[];
  bytes: number;
}

const JOBS =
  '(SELECT jobs.number FROM jobs JOIN series ON series.number = jobs.series WHERE series.study = studies.number)';
/** What was given up or is held waits for a person, and stays: it was not delivered. */
const UNFINISHED = `('queued', 'running', 'dead', 'held')`;

/** What the audit trail does not tell yet goes after it does: see Auditable. */
const UNTOLD = `(
  EXISTS (SELECT 1 FROM series WHERE series.study = studies.number AND series.revision <> series.audited)
  OR EXISTS (SELECT 1 FROM jobs WHERE jobs.number IN ${JOBS} AND jobs.end_time <> jobs.audited)
  OR EXISTS (SELECT 1 FROM deliveries JOIN results ON results.number = deliveries.result
    WHERE results.job IN ${JOBS} AND deliveries.end_time <> deliveries.audited))`;

const FINISHED = `studies.is_open = 0 AND coalesce(studies.commit_time, 0) <= @before
  AND NOT EXISTS (SELECT 1 FROM series WHERE series.study = studies.number AND series.is_open = 1)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.number IN ${JOBS} AND (jobs.state IN ${UNFINISHED} OR jobs.end_time > @before))
  AND NOT EXISTS (SELECT 1 FROM deliveries JOIN results ON results.number = deliveries.result
    WHERE results.job IN ${JOBS} AND (deliveries.state IN ${UNFINISHED} OR deliveries.end_time > @before))
  AND NOT ${UNTOLD}`;

const FINISHED_STUDIES = `SELECT number AS study, study AS studyUid, patient FROM studies WHERE arrival_time <= @before AND ${FINISHED}`;

/** What may be deleted. */
export class Retention {
  private readonly take: (study: number, before: number) => Purged | undefined;

  constructor(private readonly database: Database) {
    const transaction = database.transaction((study: number, before: number) => this.remove(study, before));
    this.take = (...args) => transaction.immediate(...args);
  }

  /** Bytes of all objects and results. */
  usedBytes(): number {
    const sum = (table: string): number =>
      this.database.prepare(`SELECT coalesce(sum(bytes), 0) FROM ${table}`).pluck().get() as number;
    return sum('instances') + sum('results');
  }

  /**
   * The study that is finished for longest.
   * @param before milliseconds since 1970: later than that nothing may have come, been analysed, or delivered
   * @param isEarly before the site's days are over: not what senders were told to be kept
   */
  finished(before: number, isEarly = false): Finished | undefined {
    const uncommitted = isEarly ? 'AND commit_time IS NULL' : '';
    return this.database
      .prepare(`${FINISHED_STUDIES} ${uncommitted} ORDER BY arrival_time, number LIMIT 1`)
      .get({ before }) as Finished | undefined;
  }

  /**
   * Forgets a study; its files are the caller's to delete, or the next start's.
   * @returns undefined where it is not finished any more
   */
  purge(study: number, before: number): Purged | undefined {
    return this.take(study, before);
  }

  private remove(study: number, before: number): Purged | undefined {
    const found = this.database.prepare(`${FINISHED_STUDIES} AND number = @study`).get({ study, before }) as
      Finished | undefined;
    if (!found) return undefined;
    const received = this.database
      .prepare('SELECT file, bytes FROM instances WHERE series IN (SELECT number FROM series WHERE study = ?)')
      .all(study) as { file: string; bytes: number }[];
    const results = this.database
      .prepare(
        `SELECT file, bytes FROM results WHERE job IN
           (SELECT jobs.number FROM jobs JOIN series ON series.number = jobs.series WHERE series.study = ?)`,
      )
      .all(study) as { file: string; bytes: number }[];
    this.database.prepare('DELETE FROM studies WHERE number = ?').run(study);
    const files = (rows: typeof received): string[] => rows.map(({ file }) => file);
    const bytes = [...received, ...results].reduce((sum, row) => sum + row.bytes, 0);
    return { ...found, received: files(received), results: files(results), bytes };
  }
}
