// Series and studies that have come whole become jobs.

import type { Database } from '../../../common/database';
import { judge, type SeriesFacts, type Verdict } from '../../../pacs-site/rules/match';
import type { InstanceHeader } from '../../domain/instance-header';
import type { Rule, Site } from '../../../pacs-site/schema';
import { holdOf } from './holds';

interface SeriesRow {
  number: number;
  study: number;
  revision: number;
}

interface InstanceRow {
  header: string;
  calling: string;
  called: string;
}

/** What a rule makes of a series, and whether its analysis is missing though it fits: it did not when the series was complete. */
export interface SeriesVerdict extends Verdict {
  missed: boolean;
}

const TIMERS = `(arrival_time <= @now - @quiet OR open_time <= @now - @longest)`;

/** Finds what is complete. */
export class Completion {
  private readonly work: (site: Site, now: number) => number;

  constructor(private readonly database: Database) {
    const transaction = database.transaction((site: Site, now: number) => this.closeAll(site, now));
    this.work = (site, now) => transaction.immediate(site, now);
  }

  /** Closes what no timer keeps open any more; returns how many jobs that made. */
  closeDue(site: Site, now = Date.now()): number {
    return this.work(site, now);
  }

  /**
   * Says how many objects a series will have: it is complete with the last of them, and not before, however long they take up to
   * the longest time. @param count undefined: nobody knows, and the timers count again
   */
  expect(study: string, series: string, count: number | undefined): void {
    if (count === undefined) {
      this.database.prepare('DELETE FROM expectations WHERE study = ? AND series = ?').run(study, series);
      return;
    }
    this.database
      .prepare('INSERT OR REPLACE INTO expectations (study, series, count) VALUES (?, ?, ?)')
      .run(study, series, count);
  }

  private closeAll(site: Site, now: number): number {
    const { series_seconds, study_seconds, longest_seconds } = site.complete;
    const longest = longest_seconds * 1000;
    const series = this.database
      .prepare(
        `SELECT series.number, series.study, series.revision
         FROM series JOIN studies ON studies.number = series.study LEFT JOIN expectations
           ON expectations.study = studies.study AND expectations.series = series.series
         WHERE series.is_open = 1 AND (series.open_time <= @now - @longest OR
           CASE WHEN expectations.count IS NULL THEN series.arrival_time <= @now - @quiet
           ELSE expectations.count <=
             (SELECT count(*) FROM instances WHERE instances.series = series.number AND state = 'kept') END)`,
      )
      .all({ now, quiet: series_seconds * 1000, longest }) as SeriesRow[];
    let made = 0;
    for (const row of series) {
      this.database.prepare('UPDATE series SET is_open = 0, revision = revision + 1 WHERE number = ?').run(row.number);
      this.database
        .prepare(
          `DELETE FROM expectations WHERE (study, series) = (SELECT studies.study, series.series
           FROM series JOIN studies ON studies.number = series.study WHERE series.number = ?)`,
        )
        .run(row.number);
      made += this.ask({ ...row, revision: row.revision + 1 }, site.rules.filter(waitsFor('series')), now);
    }
    const studies = this.database
      .prepare(
        `SELECT number FROM studies WHERE is_open = 1 AND ${TIMERS} AND NOT EXISTS
           (SELECT 1 FROM series WHERE series.study = studies.number AND series.is_open = 1)`,
      )
      .pluck()
      .all({ now, quiet: study_seconds * 1000, longest }) as number[];
    for (const study of studies) made += this.closeStudy(study, site, now);
    return made;
  }

  private closeStudy(study: number, site: Site, now: number): number {
    this.database.prepare('UPDATE studies SET is_open = 0, revision = revision + 1 WHERE number = ?').run(study);
    const rules = site.rules.filter(waitsFor('study'));
    return this.seriesOf(study).reduce((made, row) => made + this.ask(row, rules, now), 0);
  }

  /**
   * Judges complete series of a study again: a job for every rule that fits now, where their revision has none of that rule. Call it
   * within a transaction.
   */
  catchUp(study: number, rules: readonly Rule[], now: number): void {
    for (const row of this.seriesOf(study)) {
      const missed = this.explain(row.number, rules).flatMap(({ rule, missed }) => (missed ? [rule] : []));
      const wanted = rules.filter(({ name }) => missed.includes(name));
      this.ask(row, wanted, now);
    }
  }

  private seriesOf(study: number): SeriesRow[] {
    return this.database
      .prepare('SELECT number, study, revision FROM series WHERE study = ?')
      .all(study) as SeriesRow[];
  }

  /** A job for every rule that fits; those of earlier revisions that are not done are not needed any more. */
  private ask({ number, revision }: SeriesRow, rules: readonly Rule[], now: number): number {
    const facts = factsOf(this.instancesOf(number));
    const hold = holdOf(this.database, number);
    const insert = this.database.prepare(
      `INSERT INTO jobs (series, revision, rule, terms, state, next_time, code, message, create_time)
       VALUES (@number, @revision, @rule, @terms, @state, @now, @code, @message, @now)
       ON CONFLICT (series, revision, rule) DO NOTHING`,
    );
    let made = 0;
    for (const { rule: name, fits } of judge(rules, facts)) {
      const rule = rules.find((each) => each.name === name);
      if (!fits || !rule || rule.dry_run) continue;
      this.database
        .prepare(
          `UPDATE jobs SET state = 'superseded', end_time = @now, lease_until = NULL
           WHERE series = @number AND rule = @name AND revision < @revision AND state IN ('queued', 'held', 'dead')`,
        )
        .run({ number, name, revision, now });
      this.database
        .prepare(
          `UPDATE deliveries SET state = 'superseded', end_time = @now WHERE state IN ('queued', 'dead') AND result IN
             (SELECT results.number FROM results JOIN jobs ON jobs.number = results.job
              WHERE jobs.series = @number AND jobs.rule = @name AND jobs.revision < @revision)`,
        )
        .run({ number, name, revision, now });
      const { code, message } = hold ?? { code: '', message: '' };
      const state = hold ? 'held' : 'queued';
      made += insert.run({
        number,
        revision,
        rule: name,
        terms: JSON.stringify(rule),
        state,
        code,
        message,
        now,
      }).changes;
    }
    return made;
  }

  private instancesOf(series: number): InstanceRow[] {
    return this.database
      .prepare(`SELECT header, calling, called FROM instances WHERE series = ? AND state <> 'rejected' ORDER BY number`)
      .all(series) as InstanceRow[];
  }

  /** What each rule makes of a series as it is now. @param series number in the journal */
  explain(series: number, rules: readonly Rule[]): SeriesVerdict[] {
    const waiting = new Set(rules.filter((rule) => this.lacks(series, rule)).map(({ name }) => name));
    return judge(rules, factsOf(this.instancesOf(series))).map((verdict) => ({
      ...verdict,
      missed: verdict.fits && !verdict.dryRun && waiting.has(verdict.rule),
    }));
  }

  /** Whether what the rule waits for is complete, and no job of it is there. */
  private lacks(series: number, { name, wait_for }: Rule): boolean {
    const row = this.database
      .prepare(
        `SELECT 1 FROM series JOIN studies ON studies.number = series.study
         WHERE series.number = @series AND series.is_open = 0 AND (@wait_for = 'series' OR studies.is_open = 0)
           AND NOT EXISTS (SELECT 1 FROM jobs
             WHERE jobs.series = series.number AND jobs.revision = series.revision AND jobs.rule = @name)`,
      )
      .get({ series, name, wait_for });
    return row !== undefined;
  }
}

function waitsFor(what: Rule['wait_for']): (rule: Rule) => boolean {
  return (rule) => rule.wait_for === what;
}

/** Presentation states, registrations, segmentations, reports: results of others, or of ours that came back. */
const NO_IMAGES = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(11|66|88|104)(\.|$)/;

function isImage({ sopClass, rows, columns }: Pick<InstanceHeader, 'sopClass' | 'rows' | 'columns'>): boolean {
  return rows > 0 && columns > 0 && !NO_IMAGES.test(sopClass);
}

function factsOf(instances: readonly InstanceRow[]): SeriesFacts {
  const headers = instances.map(({ header }) => JSON.parse(header) as Omit<InstanceHeader, 'patient'>);
  const [first] = headers;
  const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
  return {
    modality: first?.modality ?? '',
    bodyPart: first?.bodyPart ?? '',
    seriesDescription: first?.seriesDescription ?? '',
    imageTypes: first?.imageType ?? [],
    callingAes: distinct(instances.map(({ calling }) => calling)),
    calledAes: distinct(instances.map(({ called }) => called)),
    orientations: headers.map(({ orientation }) => orientation),
    rows: distinct(headers.map(({ rows }) => rows)),
    columns: distinct(headers.map(({ columns }) => columns)),
    frames: headers.reduce((sum, { frames }) => sum + frames, 0),
    hasPixels: headers.length > 0 && headers.every(isImage),
  };
}
