// What people ask of the journal.

import type { Database } from '../../../common/database';
import type { WorkState } from '../../domain/work';

export type Counts = Partial<Record<WorkState, number>>;

export interface StudyView {
  number: number;
  study: string;
  arrivalTime: number;
  isOpen: boolean;
  seriesCount: number;
  instanceCount: number;
  analyses: Counts;
  deliveries: Counts;
}

export interface DeliveryView {
  destination: string;
  reason: string;
  state: WorkState;
  attempts: number;
  code: string;
  message: string;
  time: number;
}

export interface ResultView {
  number: number;
  kind: string;
  sopClass: string;
  sopInstance: string;
  series: string;
  deliveries: DeliveryView[];
}

export interface AnalysisView {
  number: number;
  rule: string;
  revision: number;
  state: WorkState;
  attempts: number;
  code: string;
  message: string;
  model: string;
  results: ResultView[];
}

export interface SeriesView {
  number: number;
  series: string;
  header: { modality: string; seriesDescription: string };
  instanceCount: number;
  conflictCount: number;
  revision: number;
  isOpen: boolean;
  analyses: AnalysisView[];
}

export interface Totals {
  studies: number;
  instances: number;
  openSeries: number;
  analyses: Counts;
  deliveries: Counts;
  /** Analyses whose images have not gone to their review queue. */
  reviews: { waiting: number; dead: number };
  /** When the work that waits longest was asked for; undefined when nothing waits. */
  oldest: number | undefined;
}

interface StateRow {
  state: WorkState;
  count: number;
}

const JOBS_OF = 'SELECT jobs.number FROM jobs JOIN series ON series.number = jobs.series WHERE series.study = @study';
const DELIVERIES_OF = `SELECT deliveries.number FROM deliveries JOIN results ON results.number = deliveries.result
  WHERE results.job IN (${JOBS_OF})`;

interface StudyRow extends Omit<StudyView, 'isOpen' | 'analyses' | 'deliveries'> {
  open: number;
}

/** Reads the journal for people. */
export class Overview {
  constructor(private readonly database: Database) {}

  totals(): Totals {
    const count = (sql: string): number => this.database.prepare(sql).pluck().get() as number;
    return {
      studies: count('SELECT count(*) FROM studies'),
      instances: count(`SELECT count(*) FROM instances WHERE state <> 'rejected'`),
      openSeries: count('SELECT count(*) FROM series WHERE is_open = 1'),
      analyses: this.counts('SELECT state, count(*) AS count FROM jobs GROUP BY state', {}),
      deliveries: this.counts('SELECT state, count(*) AS count FROM deliveries GROUP BY state', {}),
      reviews: {
        waiting: count('SELECT count(*) FROM reviews WHERE next_time IS NOT NULL'),
        dead: count('SELECT count(*) FROM reviews WHERE next_time IS NULL'),
      },
      oldest: this.oldest(),
    };
  }

  /** Number of a study by its UID or by its number as text. */
  numberOf(study: string): number | undefined {
    const sql = /^\d{1,15}$/.test(study) ? 'number = CAST(? AS INTEGER)' : 'study = ?';
    return this.database.prepare(`SELECT number FROM studies WHERE ${sql}`).pluck().get(study) as number | undefined;
  }

  study(number: number): StudyView {
    const row = this.database.prepare(`${STUDIES} WHERE studies.number = ?`).get(number) as StudyRow;
    return this.viewOf(row);
  }

  /** The newest first; those that come after one of `before`, a time and a number. */
  studies(
    most: number,
    before: { time: number; number: number } | undefined,
    state: WorkState | undefined,
  ): StudyView[] {
    const { time, number } = before ?? { time: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER };
    const rows = this.database
      .prepare(
        `${STUDIES} WHERE (studies.arrival_time, studies.number) < (@time, @number) AND (@state IS NULL OR
           EXISTS (SELECT 1 FROM series JOIN jobs ON jobs.series = series.number
             LEFT JOIN results ON results.job = jobs.number LEFT JOIN deliveries ON deliveries.result = results.number
             WHERE series.study = studies.number AND (jobs.state = @state OR deliveries.state = @state)))
         ORDER BY studies.arrival_time DESC, studies.number DESC LIMIT @most`,
      )
      .all({ time, number, most, state: state ?? null }) as StudyRow[];
    return rows.map((row) => this.viewOf(row));
  }

  series(study: number): SeriesView[] {
    const rows = this.database
      .prepare(
        `SELECT number, series, revision, is_open AS open,
           (SELECT header FROM instances WHERE instances.series = series.number ORDER BY number LIMIT 1) AS header,
           (SELECT count(*) FROM instances WHERE instances.series = series.number AND state = 'kept') AS instanceCount,
           (SELECT count(*) FROM instances WHERE instances.series = series.number AND state = 'conflict') AS conflictCount
         FROM series WHERE study = ? ORDER BY number`,
      )
      .all(study) as (Omit<SeriesView, 'header' | 'isOpen' | 'analyses'> & { open: number; header: string })[];
    return rows.map(({ open, header, ...row }) => ({
      ...row,
      isOpen: open === 1,
      header: JSON.parse(header) as SeriesView['header'],
      analyses: this.analyses(row.number),
    }));
  }

  private analyses(series: number): AnalysisView[] {
    const jobs = this.database
      .prepare(
        'SELECT number, rule, revision, state, attempts, code, message, model FROM jobs WHERE series = ? ORDER BY number',
      )
      .all(series) as Omit<AnalysisView, 'results'>[];
    return jobs.map((job) => ({ ...job, results: this.results(job.number) }));
  }

  private results(job: number): ResultView[] {
    const rows = this.database
      .prepare(
        `SELECT number, kind, sop_class AS sopClass, sop_instance AS sopInstance, series FROM results WHERE job = ? ORDER BY number`,
      )
      .all(job) as Omit<ResultView, 'deliveries'>[];
    const deliveries = this.database.prepare(
      `SELECT destination, reason, state, attempts, code, message, coalesce(end_time, next_time) AS time
       FROM deliveries WHERE result = ? ORDER BY number`,
    );
    return rows.map((row) => ({ ...row, deliveries: deliveries.all(row.number) as DeliveryView[] }));
  }

  private viewOf({ open, ...row }: StudyRow): StudyView {
    const byState = (table: string, of: string): Counts => {
      const sql = `SELECT state, count(*) AS count FROM ${table} WHERE number IN (${of}) GROUP BY state`;
      return this.counts(sql, { study: row.number });
    };
    return {
      ...row,
      isOpen: open === 1,
      analyses: byState('jobs', JOBS_OF),
      deliveries: byState('deliveries', DELIVERIES_OF),
    };
  }

  private counts(sql: string, parameters: Record<string, unknown>): Counts {
    const rows = this.database.prepare(sql).all(parameters) as StateRow[];
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  private oldest(): number | undefined {
    const oldest = this.database
      .prepare(
        `SELECT min(create_time) FROM (SELECT create_time FROM jobs WHERE state IN ('queued', 'running')
         UNION ALL SELECT create_time FROM deliveries WHERE state IN ('queued', 'running'))`,
      )
      .pluck()
      .get() as number | null;
    return oldest ?? undefined;
  }
}

const STUDIES = `SELECT studies.number, studies.study, studies.arrival_time AS arrivalTime,
  (studies.is_open OR EXISTS (SELECT 1 FROM series WHERE series.study = studies.number AND is_open = 1)) AS open,
  (SELECT count(*) FROM series WHERE series.study = studies.number) AS seriesCount,
  (SELECT count(*) FROM instances JOIN series ON series.number = instances.series
   WHERE series.study = studies.number AND instances.state <> 'rejected') AS instanceCount
  FROM studies`;
