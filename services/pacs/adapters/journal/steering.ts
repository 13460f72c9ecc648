// What people decide about studies.

import type { Database } from '../../../common/database';
import { holdOf } from './holds';
import { OVERTAKEN } from './overtaken';

export interface Steered {
  analyses: number;
  deliveries: number;
}

const SERIES = '(SELECT number FROM series WHERE study = @study)';
const RESULTS = `(SELECT results.number FROM results JOIN jobs ON jobs.number = results.job WHERE jobs.series IN ${SERIES})`;

const AGAIN = 'state = @state, attempts = 0, next_time = @now, end_time = NULL';

/** Steers what the journal keeps. */
export class Steering {
  constructor(private readonly database: Database) {}

  /**
   * What was given up gets all its attempts again, and what waits is due now; not what a later revision of its series has overtaken.
   * What a person has to decide is held as before, discarded meanwhile or not.
   */
  retry(study: number, now = Date.now()): Steered {
    const from = `('queued', 'dead', 'discarded')`;
    const run = this.database.transaction(() => {
      const jobs = this.database
        .prepare(
          `SELECT number, series FROM jobs WHERE series IN ${SERIES} AND state IN ${from} AND NOT ${OVERTAKEN.jobs}`,
        )
        .all({ study }) as { number: number; series: number }[];
      const begun = jobs.filter((job) => this.begin(job, now));
      const { changes } = this.database
        .prepare(
          `UPDATE deliveries SET ${AGAIN}, code = '', message = ''
           WHERE result IN ${RESULTS} AND state IN ${from} AND NOT ${OVERTAKEN.deliveries}`,
        )
        .run({ study, state: 'queued', now });
      return { analyses: begun.length, deliveries: changes };
    });
    return run.immediate();
  }

  /** Queues an analysis, or holds it where a person has to decide; returns whether it is queued. */
  private begin({ number, series }: { number: number; series: number }, now: number): boolean {
    const hold = holdOf(this.database, series);
    const { code, message } = hold ?? { code: '', message: '' };
    this.database
      .prepare(`UPDATE jobs SET ${AGAIN}, code = @code, message = @message WHERE number = @number`)
      .run({ number, state: hold ? 'held' : 'queued', code, message, now });
    return !hold;
  }

  discard(study: number, now = Date.now()): Steered {
    const changes = `state = 'discarded', end_time = @now`;
    const from = `('queued', 'held', 'dead')`;
    const run = this.database.transaction(() => ({
      analyses: this.database
        .prepare(`UPDATE jobs SET ${changes} WHERE series IN ${SERIES} AND state IN ${from}`)
        .run({ study, now }).changes,
      deliveries: this.database
        .prepare(`UPDATE deliveries SET ${changes} WHERE result IN ${RESULTS} AND state IN ${from}`)
        .run({ study, now }).changes,
    }));
    return run.immediate();
  }

  /** Keeps one object of each UID of the study, and lets what was held for a conflict go on; returns how many are not used any more. */
  resolve(study: number, keep: 'first' | 'last', now = Date.now()): number {
    const [end, order] = keep === 'first' ? ['min', '>'] : ['max', '<'];
    const run = this.database.transaction(() => {
      const contested = `(SELECT sop_instance FROM instances WHERE series IN ${SERIES} AND state = 'conflict')`;
      const kept = `(SELECT ${end}(number) FROM instances AS other WHERE other.sop_instance = instances.sop_instance
        AND other.state <> 'rejected')`;
      const { changes } = this.database
        .prepare(
          `UPDATE instances SET state = 'rejected' WHERE sop_instance IN ${contested} AND number ${order} ${kept}`,
        )
        .run({ study });
      this.database
        .prepare(`UPDATE instances SET state = 'kept' WHERE series IN ${SERIES} AND state = 'conflict'`)
        .run({ study });
      const held = this.database
        .prepare(`SELECT number, series FROM jobs WHERE series IN ${SERIES} AND state = 'held'`)
        .all({ study }) as { number: number; series: number }[];
      held.forEach((job) => this.begin(job, now));
      return changes;
    });
    return run.immediate();
  }
}
