// Deliveries: which result goes where, and whether it has arrived.

import type { Database } from '../../../common/database';
import type { Failure, LeasedDelivery, Verdict } from '../../domain/work';
import { failWork } from './overtaken';

/** The deliveries of a journal. */
export class Outbox {
  constructor(private readonly database: Database) {}

  /** Destinations for which something is due. */
  dueDestinations(now = Date.now()): string[] {
    return this.database
      .prepare(`SELECT DISTINCT destination FROM deliveries WHERE ${DUE} AND ${IN_TURN}`)
      .pluck()
      .all({ now }) as string[];
  }

  /** Leases up to `most` deliveries of one destination, the oldest first. */
  claim(destination: string, most: number, leaseMs: number, now = Date.now()): LeasedDelivery[] {
    const rows = this.database
      .prepare(
        `UPDATE deliveries SET state = 'running', attempts = attempts + 1, lease_until = @now + @leaseMs
         WHERE number IN (SELECT number FROM deliveries WHERE destination = @destination AND ${DUE} AND ${IN_TURN}
           ORDER BY next_time, number LIMIT @most)
         RETURNING number, result, attempts`,
      )
      .all({ destination, most, leaseMs, now }) as { number: number; result: number; attempts: number }[];
    const result = this.database.prepare(
      'SELECT job, kind, sop_class AS sopClass, sop_instance AS sopInstance, file FROM results WHERE number = ?',
    );
    return rows
      .sort((a, b) => a.number - b.number)
      .map(
        ({ number, result: of, attempts }) => ({ number, attempts, ...(result.get(of) as object) }) as LeasedDelivery,
      );
  }

  /** The destination has it, by its own word. */
  delivered({ number }: Pick<LeasedDelivery, 'number'>, now = Date.now()): void {
    this.database
      .prepare(
        `UPDATE deliveries SET state = 'done', end_time = ?, lease_until = NULL, code = '', message = '' WHERE number = ?`,
      )
      .run(now, number);
  }

  /** Notes why a delivery failed, and when it is tried again: never, where a later revision has overtaken it. */
  fail({ number }: Pick<LeasedDelivery, 'number'>, failure: Failure, verdict: Verdict, now = Date.now()): void {
    failWork(this.database, 'deliveries', number, failure, verdict, now);
  }
}

const DUE = `((state = 'queued' AND next_time <= @now) OR (state = 'running' AND lease_until <= @now))`;

/** A report goes when what it refers to has gone, or never will: in which encoding that goes is only known then. */
const IN_TURN = `NOT EXISTS (
  SELECT 1 FROM results JOIN results AS picture ON picture.job = results.job AND picture.kind IN ('SEG', 'LABELMAP', 'SC')
    JOIN deliveries AS first ON first.result = picture.number
  WHERE results.number = deliveries.result AND results.kind = 'SR' AND first.destination = deliveries.destination
    AND first.state IN ('queued', 'running'))`;
