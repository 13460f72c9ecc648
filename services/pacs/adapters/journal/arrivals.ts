// What arrived: studies, series and instances.

import type { Database } from '../../../common/database';
import type { Kept } from '../../../dicom-net/reception';
import type { Arrival, ArrivalJournal } from '../../domain/reception';
import { patientHash } from './holds';

/** Instances as the journal knows them. */
export class Arrivals implements ArrivalJournal {
  private readonly put: (arrival: Arrival, now: number) => Kept;

  /** @param key of the hash under which patients are told apart */
  constructor(
    private readonly database: Database,
    private readonly key: Buffer,
  ) {
    const transaction = database.transaction((arrival: Arrival, now: number) => this.insert(arrival, now));
    this.put = (arrival, now) => transaction.immediate(arrival, now);
  }

  /** Journals an arrival; on the disk when this returns. */
  record(arrival: Arrival, now = Date.now()): Kept {
    return this.put(arrival, now);
  }

  private insert({ header, source, file, sha256, bytes }: Arrival, now: number): Kept {
    const same = this.database
      .prepare('SELECT sha256, state FROM instances WHERE sop_instance = ?')
      .all(header.sopInstance) as { sha256: string; state: string }[];
    if (same.some((other) => other.sha256 === sha256)) return 'known';
    const patient = patientHash(this.key, header.patient);
    const series = this.seriesOf(header.study, header.series, patient, now);
    const state = same.some((other) => other.state !== 'rejected') ? 'conflict' : 'kept';
    const { patient: _patient, pixels: _place, ...kept } = header;
    this.database
      .prepare(
        `INSERT INTO instances (series, sop_instance, sha256, state, file, bytes, header, way, calling, called, arrival_time, patient)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        series,
        header.sopInstance,
        sha256,
        state,
        file,
        bytes,
        JSON.stringify(kept),
        source.way,
        source.calling,
        source.called,
        now,
        patient,
      );
    return state;
  }

  /** Number of the series, which is open again. @param patient hashed */
  private seriesOf(studyUid: string, seriesUid: string, patient: string, now: number): number {
    const study = this.database
      .prepare(
        `INSERT INTO studies (study, patient, create_time, open_time, arrival_time) VALUES (@study, @patient, @now, @now, @now)
         ON CONFLICT (study) DO UPDATE SET
           open_time = CASE is_open WHEN 1 THEN open_time ELSE @now END, is_open = 1, arrival_time = @now,
           patients = patients + (patient <> @patient)
         RETURNING number`,
      )
      .pluck()
      .get({ study: studyUid, patient, now }) as number;
    return this.database
      .prepare(
        `INSERT INTO series (study, series, open_time, arrival_time) VALUES (@study, @series, @now, @now)
         ON CONFLICT (study, series) DO UPDATE SET
           open_time = CASE is_open WHEN 1 THEN open_time ELSE @now END, is_open = 1, arrival_time = @now
         RETURNING number`,
      )
      .pluck()
      .get({ study, series: seriesUid, now }) as number;
  }

  /** Those of the UIDs under which nothing is kept. */
  missing(sopInstances: readonly string[]): string[] {
    const is = this.database.prepare(`SELECT 1 FROM instances WHERE sop_instance = ? AND state = 'kept'`);
    return sopInstances.filter((uid) => is.get(uid) === undefined);
  }

  /** SOP class of what is kept under a UID; undefined where nothing is. */
  keptClass(sopInstance: string): string | undefined {
    return this.database
      .prepare(`SELECT json_extract(header, '$.sopClass') FROM instances WHERE sop_instance = ? AND state = 'kept'`)
      .pluck()
      .get(sopInstance) as string | undefined;
  }

  /** Notes that a sender relies on what is kept: see Retention. */
  commit(sopInstances: readonly string[], now = Date.now()): void {
    const put = this.database.prepare(
      `UPDATE studies SET commit_time = @now WHERE number IN (SELECT series.study FROM series
         JOIN instances ON instances.series = series.number WHERE sop_instance = @uid AND state = 'kept')`,
    );
    this.database.transaction(() => sopInstances.forEach((uid) => put.run({ uid, now }))).immediate();
  }

  /** Files of kept objects, by their SOP Instance UIDs. */
  filesOf(uids: readonly string[]): string[] {
    const file = this.database.prepare(`SELECT file FROM instances WHERE sop_instance = ? AND state = 'kept'`).pluck();
    return uids.flatMap((uid) => (file.get(uid) as string | undefined) ?? []);
  }

  /** Every file that the journal names. */
  files(): Set<string> {
    return new Set(this.database.prepare('SELECT file FROM instances').pluck().all() as string[]);
  }
}
