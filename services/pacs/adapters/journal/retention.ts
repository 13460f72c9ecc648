// Studies that nobody needs any more: nothing of them waits, was given up, or is held, and nothing new has come for some time.

import type { Database } from '../../../common/database';

export interface Purged {
  /** Number of the study. */
  study: number;
  studyUid: string;
  /** Keyed hash. */
  patient: string;
  /** Files below the spool, and below the outbox. */
  received: string[];
  results: string[];
  bytes: number;
}

const JOBS =
  '(SELECT jobs.number FROM jobs JOIN series ON series.number = jobs.series WHERE series.study = studies.number)';
/** What was given up or is held waits for a person, and stays: it was not delivered. */
const UNFINISHED = `('queued', 'running', 'dead', 'held')`;

const FINISHED = `studies.is_open = 0
  AND NOT EXISTS (SELECT 1 FROM series WHERE series.study = studies.number AND series.is_open = 1)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.number IN ${JOBS} AND (jobs.state IN ${UNFINISHED} OR jobs.end_time > @before))
  AND NOT EXISTS (SELECT 1 FROM deliveries JOIN results ON results.number = deliveries.result
    WHERE results.job IN ${JOBS} AND (deliveries.state IN ${UNFINISHED} OR deliveries.end_time > @before))`;

/** What may be deleted. */
export class Retention {
  private readonly take: (before: number) => Purged | undefined;

  constructor(private readonly database: Database) {
    const transaction = database.transaction((before: number) => this.remove(before));
    this.take = (before) => transaction.immediate(before);
  }

  /** Bytes of all objects and results. */
  usedBytes(): number {
    const sum = (table: string): number =>
      this.database.prepare(`SELECT coalesce(sum(bytes), 0) FROM ${table}`).pluck().get() as number;
    return sum('instances') + sum('results');
  }

  /**
   * Forgets the study that is finished for longest; its files are the caller's to delete, or the next start's.
   * @param before milliseconds since 1970: later than that nothing may have come, been analysed, or delivered
   */
  purge(before: number): Purged | undefined {
    return this.take(before);
  }

  private remove(before: number): Purged | undefined {
    const found = this.database
      .prepare(
        `SELECT number AS study, study AS studyUid, patient FROM studies WHERE arrival_time <= @before AND ${FINISHED} ORDER BY arrival_time, number LIMIT 1`,
      )
      .get({ before }) as Pick<Purged, 'study' | 'studyUid' | 'patient'> | undefined;
    if (!found) return undefined;
    const { study } = found;
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
