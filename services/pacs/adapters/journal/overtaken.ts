// Work of which a later revision of its series has taken the place: where it fails, or its process ends, it is not begun again.

import type { Database } from '../../../common/database';
import type { Failure, Verdict } from '../../domain/work';

/** Whether an analysis, a row of `jobs`, was overtaken. */
const laterThan = (job: string): string =>
  `EXISTS (SELECT 1 FROM jobs AS later WHERE later.series = ${job}.series AND later.rule = ${job}.rule
     AND later.revision > ${job}.revision)`;

/** Conditions on a row of `jobs` or `deliveries`. */
export const OVERTAKEN = {
  jobs: laterThan('jobs'),
  deliveries: `EXISTS (SELECT 1 FROM results JOIN jobs AS own ON own.number = results.job
    WHERE results.number = deliveries.result AND ${laterThan('own')})`,
};

/** Notes why a piece of work failed, and when it is tried again: never, where a later revision has overtaken it. */
export function failWork(
  database: Database,
  table: keyof typeof OVERTAKEN,
  number: number,
  { code, message }: Failure,
  verdict: Verdict,
  now: number,
): void {
  const dead = verdict === 'dead';
  database
    .prepare(
      `UPDATE ${table} SET state = CASE WHEN ${OVERTAKEN[table]} THEN 'superseded' ELSE @state END, next_time = @next,
         end_time = CASE WHEN ${OVERTAKEN[table]} THEN @now ELSE @end END, lease_until = NULL, code = @code, message = @message,
         attempts = attempts - @uncounted WHERE number = @number`,
    )
    .run({
      state: dead ? 'dead' : 'queued',
      now,
      next: dead ? now : now + verdict.again,
      end: dead ? now : null,
      uncounted: dead || !verdict.uncounted ? 0 : 1,
      code,
      message,
      number,
    });
}
