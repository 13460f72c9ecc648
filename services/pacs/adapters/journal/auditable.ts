// What the audit trail does not tell yet. It is marked after it was written: after a crash an event may be there twice, and none is lost.

import type { Database } from '../../../common/database';

export interface OfStudy {
  /** Number of the study. */
  study: number;
  studyUid: string;
  /** Keyed hash of the patient. */
  patient: string;
}

/** A series that came whole. */
export interface AuditableSeries extends OfStudy {
  number: number;
  revision: number;
  senders: { way: string; calling: string; called: string }[];
  objects: { sopClass: string; count: number }[];
}

/** An analysis that ended. */
export interface AuditableJob extends OfStudy {
  number: number;
  endTime: number;
  state: string;
  rule: string;
  /** `name@version`; empty where none answered. */
  model: string;
  /** See keptText(). */
  context: string;
  code: string;
}

/** A delivery that ended. */
export interface AuditableDelivery extends OfStudy {
  number: number;
  endTime: number;
  state: string;
  destination: string;
  sopClass: string;
  code: string;
}

const MOST = 200;
const STUDY = 'studies.number AS study, studies.study AS studyUid, studies.patient';

/** The end of the audit trail. */
export class Auditable {
  constructor(private readonly database: Database) {}

  series(): AuditableSeries[] {
    const rows = this.database
      .prepare(
        `SELECT series.number, series.revision, ${STUDY} FROM series JOIN studies ON studies.number = series.study
         WHERE series.is_open = 0 AND series.revision > series.audited LIMIT ${MOST}`,
      )
      .all() as Omit<AuditableSeries, 'senders' | 'objects'>[];
    const senders = this.database.prepare('SELECT DISTINCT way, calling, called FROM instances WHERE series = ?');
    const objects = this.database.prepare(
      `SELECT json_extract(header, '$.sopClass') AS sopClass, count(*) AS count FROM instances WHERE series = ? GROUP BY 1`,
    );
    return rows.map((row) => ({
      ...row,
      senders: senders.all(row.number) as AuditableSeries['senders'],
      objects: objects.all(row.number) as AuditableSeries['objects'],
    }));
  }

  jobs(): AuditableJob[] {
    return this.database
      .prepare(
        `SELECT jobs.number, jobs.end_time AS endTime, jobs.state, jobs.rule, jobs.model, jobs.context, jobs.code, ${STUDY}
         FROM jobs JOIN series ON series.number = jobs.series JOIN studies ON studies.number = series.study
         WHERE jobs.end_time IS NOT NULL AND jobs.end_time <> jobs.audited LIMIT ${MOST}`,
      )
      .all() as AuditableJob[];
  }

  deliveries(): AuditableDelivery[] {
    return this.database
      .prepare(
        `SELECT deliveries.number, deliveries.end_time AS endTime, deliveries.state, deliveries.destination, deliveries.code,
           results.sop_class AS sopClass, ${STUDY}
         FROM deliveries JOIN results ON results.number = deliveries.result JOIN jobs ON jobs.number = results.job
           JOIN series ON series.number = jobs.series JOIN studies ON studies.number = series.study
         WHERE deliveries.end_time IS NOT NULL AND deliveries.end_time <> deliveries.audited LIMIT ${MOST}`,
      )
      .all() as AuditableDelivery[];
  }

  tellSeries({ number, revision }: AuditableSeries): void {
    this.database.prepare('UPDATE series SET audited = ? WHERE number = ?').run(revision, number);
  }

  tellJob({ number, endTime }: AuditableJob): void {
    this.database.prepare('UPDATE jobs SET audited = ? WHERE number = ?').run(endTime, number);
  }

  tellDelivery({ number, endTime }: AuditableDelivery): void {
    this.database.prepare('UPDATE deliveries SET audited = ? WHERE number = ?').run(endTime, number);
  }
}
