// Reports of storage commitment that have not gone out: a sender that was told "asked" is told the answer, across restarts.

import type { Database } from '../../../common/database';
import type { CommitmentReport } from '../../../dicom-net/commitment';

export interface PendingReport {
  number: number;
  /** AE titles of whoever asked, and of the bridge as it was called. */
  calling: string;
  called: string;
  report: CommitmentReport;
  /** That failed, and when it was asked for, milliseconds since 1970. */
  attempts: number;
  createTime: number;
}

type Row = Omit<PendingReport, 'report'> & { report: string };

/** The reports of a journal. */
export class PendingReports {
  constructor(private readonly database: Database) {}

  /** On the disk when this returns. Who asks again about a transaction gets the newer answer alone. */
  add(calling: string, called: string, report: CommitmentReport, now = Date.now()): void {
    this.database
      .prepare(
        `INSERT OR REPLACE INTO reports (calling, called, transaction_uid, report, next_time, create_time)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(calling, called, report.transaction, JSON.stringify(report), now, now);
  }

  /** Those that are due, the oldest first. */
  due(now = Date.now()): PendingReport[] {
    const rows = this.database
      .prepare(
        `SELECT number, calling, called, report, attempts, create_time AS createTime FROM reports
         WHERE next_time <= ? ORDER BY number LIMIT 100`,
      )
      .all(now) as Row[];
    return rows.map((row) => ({ ...row, report: JSON.parse(row.report) as CommitmentReport }));
  }

  later({ number }: PendingReport, waitMs: number, now = Date.now()): void {
    this.database
      .prepare('UPDATE reports SET attempts = attempts + 1, next_time = ? WHERE number = ?')
      .run(now + waitMs, number);
  }

  /** It has gone, or is given up. */
  remove({ number }: PendingReport): void {
    this.database.prepare('DELETE FROM reports WHERE number = ?').run(number);
  }
}
