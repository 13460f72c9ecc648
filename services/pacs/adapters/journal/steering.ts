// What people decide about studies.

import type { Database } from '../../../common/database';

export interface Steered {
  analyses: number;
  deliveries: number;
}

const JOBS = '(SELECT number FROM series WHERE study = @study)';
const RESULTS = `(SELECT results.number FROM results JOIN jobs ON jobs.number = results.job WHERE jobs.series IN ${JOBS})`;

/** Steers what the journal keeps. */
export class Steering {
  constructor(private readonly database: Database) {}

  /** What was given up gets all its attempts again, and what waits is due now. */
  retry(study: number, now = Date.now()): Steered {
    const again = `state = 'queued', attempts = 0, next_time = @now, end_time = NULL, code = '', message = ''`;
    const from = `('queued', 'dead', 'discarded')`;
    return this.both(again, from, study, now);
  }

  discard(study: number, now = Date.now()): Steered {
    return this.both(`state = 'discarded', end_time = @now`, `('queued', 'held', 'dead')`, study, now);
  }

  private both(changes: string, from: string, study: number, now: number): Steered {
    const run = this.database.transaction(() => ({
      analyses: this.database
        .prepare(`UPDATE jobs SET ${changes} WHERE series IN ${JOBS} AND state IN ${from}`)
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
      const contested = `(SELECT sop_instance FROM instances WHERE series IN ${JOBS} AND state = 'conflict')`;
      const kept = `(SELECT ${end}(number) FROM instances AS other WHERE other.sop_instance = instances.sop_instance
        AND other.state <> 'rejected')`;
      const { changes } = this.database
        .prepare(
          `UPDATE instances SET state = 'rejected' WHERE sop_instance IN ${contested} AND number ${order} ${kept}`,
        )
        .run({ study });
      this.database
        .prepare(`UPDATE instances SET state = 'kept' WHERE series IN ${JOBS} AND state = 'conflict'`)
        .run({ study });
      this.database
        .prepare(
          `UPDATE jobs SET state = 'queued', next_time = @now, code = '', message = ''
           WHERE series IN ${JOBS} AND state = 'held' AND code = 'CONFLICT'`,
        )
        .run({ study, now });
      return changes;
    });
    return run.immediate();
  }
}
