// What people decide about studies.

import type { Database } from '../../../common/database';
import type { Rule } from '../../../pacs-site/schema';
import type { Completion } from './completion';
import { holdOf, patientHash } from './holds';
import { OVERTAKEN } from './overtaken';

export interface Steered {
  analyses: number;
  deliveries: number;
}

export interface Retried extends Steered {
  /** Analyses of the study that wait for a person. */
  held: number;
}

/** Which objects hold: of those under one UID, and by whom they are. */
export interface Decision {
  keep?: 'first' | 'last' | undefined;
  patient?: string | undefined;
}

interface JobRow {
  number: number;
  series: number;
  rule: string;
}

const SERIES = '(SELECT number FROM series WHERE study = @study)';
const RESULTS = `(SELECT results.number FROM results JOIN jobs ON jobs.number = results.job WHERE jobs.series IN ${SERIES})`;

const AGAIN = 'state = @state, attempts = 0, next_time = @now, end_time = NULL';

/** Steers what the journal keeps. */
export class Steering {
  /** @param key of the hash under which patients are told apart */
  constructor(
    private readonly database: Database,
    private readonly completion: Completion,
    private readonly key: Buffer,
  ) {}

  /**
   * What was given up gets all its attempts again, and what waits is due now; not what a later revision of its series has overtaken.
   * Rules that fit now and did not when a series was complete get their analyses; others go by their rule as it is now. What is done
   * is not done again, and what a person has to decide is held as before, discarded meanwhile or not.
   * @param rules as they are now
   */
  retry(study: number, rules: readonly Rule[], now = Date.now()): Retried {
    const from = `('queued', 'dead', 'discarded')`;
    const run = this.database.transaction(() => {
      this.completion.catchUp(study, rules, now);
      const jobs = this.database
        .prepare(
          `SELECT number, series, rule FROM jobs WHERE series IN ${SERIES} AND state IN ${from} AND NOT ${OVERTAKEN.jobs}`,
        )
        .all({ study }) as JobRow[];
      const begun = jobs.filter((job) => this.begin(job, now, this.termsOf(job, rules)));
      const { changes } = this.database
        .prepare(
          `UPDATE deliveries SET ${AGAIN}, code = '', message = ''
           WHERE result IN ${RESULTS} AND state IN ${from} AND NOT ${OVERTAKEN.deliveries}`,
        )
        .run({ study, state: 'queued', now });
      this.database
        .prepare(
          `UPDATE reviews SET attempts = 0, next_time = @now
           WHERE job IN (SELECT number FROM jobs WHERE series IN ${SERIES} AND state = 'done')`,
        )
        .run({ study, now });
      const held = this.heldJobs(study).length;
      return { analyses: begun.length, deliveries: changes, held };
    });
    return run.immediate();
  }

  private heldJobs(study: number): JobRow[] {
    return this.database
      .prepare(`SELECT number, series, rule FROM jobs WHERE series IN ${SERIES} AND state = 'held'`)
      .all({ study }) as JobRow[];
  }

  /** The rule of an analysis as it is now; null where it is gone, or fits no more. */
  private termsOf({ series, rule: name }: JobRow, rules: readonly Rule[]): string | null {
    const own = rules.filter((rule) => rule.name === name);
    const isGood = this.completion.explain(series, own).some(({ fits, dryRun }) => fits && !dryRun);
    return isGood ? JSON.stringify(own[0]) : null;
  }

  /**
   * Queues an analysis, holds it where a person has to decide, or drops it where no object of its series is left; returns whether it is
   * queued. @param terms null: those that it has
   */
  private begin({ number, series }: JobRow, now: number, terms: string | null = null): boolean {
    if (!this.hasObjects(series)) return this.drop(number, now);
    const hold = holdOf(this.database, series);
    const { code, message } = hold ?? { code: '', message: '' };
    this.database
      .prepare(
        `UPDATE jobs SET ${AGAIN}, terms = coalesce(@terms, terms), code = @code, message = @message WHERE number = @number`,
      )
      .run({ number, terms, state: hold ? 'held' : 'queued', code, message, now });
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

  /**
   * Keeps the objects of one patient, one object of each UID, or both, and lets what was held for that go on.
   * @param patient ID and issuer as headers have them
   * @returns how many objects are not used any more; undefined where none names the patient, and nothing is decided
   */
  resolve(study: number, { keep, patient }: Decision, now = Date.now()): number | undefined {
    const run = this.database.transaction(() => {
      const ofOthers = patient === undefined ? 0 : this.keepPatient(study, patientHash(this.key, patient));
      if (ofOthers === undefined) return undefined;
      const ofUids = keep === undefined ? 0 : this.keepOne(study, keep);
      this.settle(study);
      this.heldJobs(study).forEach((job) => this.begin(job, now));
      return ofOthers + ofUids;
    });
    return run.immediate();
  }

  private keepPatient(study: number, patient: string): number | undefined {
    const there = `series IN ${SERIES} AND state <> 'rejected'`;
    const is = this.database.prepare(`SELECT 1 FROM instances WHERE ${there} AND patient = @patient`);
    if (is.get({ study, patient }) === undefined) return undefined;
    return this.database
      .prepare(`UPDATE instances SET state = 'rejected' WHERE ${there} AND patient IS NOT @patient`)
      .run({ study, patient }).changes;
  }

  private keepOne(study: number, keep: 'first' | 'last'): number {
    const [end, order] = keep === 'first' ? ['min', '>'] : ['max', '<'];
    const contested = `(SELECT sop_instance FROM instances WHERE series IN ${SERIES} AND state = 'conflict')`;
    const kept = `(SELECT ${end}(number) FROM instances AS other WHERE other.sop_instance = instances.sop_instance
      AND other.state <> 'rejected')`;
    return this.database
      .prepare(
        `UPDATE instances SET state = 'rejected' WHERE sop_instance IN ${contested} AND state <> 'rejected'
           AND number ${order} ${kept}`,
      )
      .run({ study }).changes;
  }

  /** An object that alone is left under its UID is no conflict any more. */
  private settle(study: number): void {
    this.database
      .prepare(
        `UPDATE instances SET state = 'kept' WHERE series IN ${SERIES} AND state = 'conflict' AND NOT EXISTS
           (SELECT 1 FROM instances AS other WHERE other.sop_instance = instances.sop_instance
              AND other.number <> instances.number AND other.state <> 'rejected')`,
      )
      .run({ study });
  }

  private hasObjects(series: number): boolean {
    const some = `SELECT 1 FROM instances WHERE series = ? AND state <> 'rejected'`;
    return this.database.prepare(some).get(series) !== undefined;
  }

  private drop(number: number, now: number): false {
    this.database.prepare(`UPDATE jobs SET state = 'discarded', end_time = ? WHERE number = ?`).run(now, number);
    return false;
  }
}
