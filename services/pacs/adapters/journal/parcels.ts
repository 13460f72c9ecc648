// What goes to which destination in which encoding, and what destinations do not take.

import type { Database } from '../../../common/database';
import { encodingOf, REFUSAL_HOLDS_MS, type EncodingName, type Refusal, type StoredResult } from '../../../analysis';
import type { Rule } from '../../../pacs-site/schema';
import type { DoneJob, Failure, JobOutcome, LeasedDelivery } from '../../domain/work';

type Parcel = Pick<JobOutcome, 'results' | 'deliveries'>;

/** Results with their deliveries. */
export class Parcels {
  private readonly swap: (delivery: LeasedDelivery, destination: string, why: Failure, parcel: Parcel) => void;

  constructor(private readonly database: Database) {
    const transaction = database.transaction(
      (delivery: LeasedDelivery, destination: string, why: Failure, parcel: Parcel) => {
        this.supersede(delivery, destination, why, Date.now());
        this.insert(delivery.job, parcel, Date.now());
      },
    );
    this.swap = (...args) => transaction.immediate(...args);
  }

  /** Part of a transaction of the caller's. Results and deliveries that are there stay. */
  insert(job: number, { results, deliveries }: Parcel, now: number): void {
    const put = this.database.prepare(
      `INSERT INTO results (job, kind, of, part, sop_class, sop_instance, series, file, sha256, bytes)
       VALUES (@job, @kind, @of, @part, @sopClass, @sopInstance, @series, @file, @sha256, @bytes)
       ON CONFLICT (job, kind, of, part) DO UPDATE SET sop_class = @sopClass, sop_instance = @sopInstance,
         series = @series, file = @file, sha256 = @sha256, bytes = @bytes`,
    );
    for (const result of results) put.run({ job, ...result });
    const send = this.database.prepare(
      `INSERT INTO deliveries (result, destination, reason, state, next_time, create_time)
       SELECT number, @destination, @reason, 'queued', @now, @now FROM results
       WHERE job = @job AND kind = @kind AND of = @of AND part = @part
       ON CONFLICT (result, destination) DO NOTHING`,
    );
    for (const delivery of deliveries) send.run({ job, now, ...delivery });
  }

  /** What goes to a destination instead of an object that it does not take, in one step. */
  replace(delivery: LeasedDelivery, destination: string, why: Failure, parcel: Parcel): void {
    this.swap(delivery, destination, why, parcel);
  }

  /** What waits of the same encoding, and the report that refers to it, is not sent any more. */
  private supersede(delivery: LeasedDelivery, destination: string, { code, message }: Failure, now: number): void {
    this.database
      .prepare(
        `UPDATE deliveries SET state = 'superseded', lease_until = NULL, end_time = @now, code = @code, message = @message
         WHERE destination = @destination AND state IN ('queued', 'running') AND result IN
           (SELECT number FROM results WHERE job = @job AND (kind = @kind OR of = @encoding))`,
      )
      .run({
        now,
        code,
        message,
        destination,
        job: delivery.job,
        kind: delivery.kind,
        encoding: encodingOf(delivery.kind) ?? '-',
      });
  }

  /** Notes that a destination does not take an encoding. */
  refuse(destination: string, encoding: EncodingName, message: string, now = Date.now()): void {
    this.database
      .prepare('INSERT OR REPLACE INTO refusals (destination, encoding, time, message) VALUES (?, ?, ?, ?)')
      .run(destination, encoding, now, message);
  }

  /** What a destination is known not to take. */
  refusals(destination: string, now = Date.now()): Refusal[] {
    return this.database
      .prepare('SELECT encoding, time, message FROM refusals WHERE destination = ? AND time > ?')
      .all(destination, now - REFUSAL_HOLDS_MS) as Refusal[];
  }

  done(job: number): DoneJob {
    const { terms, context, series } = this.database
      .prepare('SELECT terms, context, series FROM jobs WHERE number = ?')
      .get(job) as { terms: string; context: string; series: number };
    return {
      rule: JSON.parse(terms) as Rule,
      context,
      files: keptFiles(this.database, series),
      results: this.database
        .prepare(
          `SELECT kind, of, part, sop_class AS sopClass, sop_instance AS sopInstance, series, file, sha256, bytes
           FROM results WHERE job = ? ORDER BY number`,
        )
        .all(job) as StoredResult[],
    };
  }
}

/** Files of a series' images, in the order of their arrival. @param series its number */
export function keptFiles(database: Database, series: number): string[] {
  return database
    .prepare(`SELECT file FROM instances WHERE series = ? AND state = 'kept' ORDER BY number`)
    .pluck()
    .all(series) as string[];
}
