// Why analyses of a series wait for a person: judged by what the journal keeps now, whatever was decided before.

import { createHmac } from 'node:crypto';
import type { Database } from '../../../common/database';

export interface Hold {
  code: 'SEVERAL_PATIENTS' | 'CONFLICT';
  message: string;
}

/** Images that a message names. */
const NAMED = 5;

/** What stands for a patient in the journal. @param patient ID and issuer as headers have them */
export const patientHash = (key: Buffer, patient: string): string =>
  createHmac('sha256', key).update(patient).digest('hex');

/** Images of the study that name another patient than most of them do; empty where they agree. */
function strangers(database: Database, series: number): string[] {
  const images = database
    .prepare(
      `SELECT coalesce(instances.patient, '') AS patient, sop_instance AS uid FROM instances
         JOIN series ON series.number = instances.series
       WHERE series.study = (SELECT study FROM series WHERE number = ?) AND state <> 'rejected' ORDER BY instances.number`,
    )
    .all(series) as { patient: string; uid: string }[];
  const counts = new Map<string, number>();
  for (const { patient } of images) counts.set(patient, (counts.get(patient) ?? 0) + 1);
  const [usual] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
  return images.flatMap(({ patient, uid }) => (patient === usual ? [] : [uid]));
}

/** @param series number in the journal @returns undefined where nothing holds it */
export function holdOf(database: Database, series: number): Hold | undefined {
  const { patients, unknown, conflicts } = database
    .prepare(
      `SELECT count(DISTINCT instances.patient) AS patients,
         coalesce(max(CASE WHEN instances.patient IS NULL THEN studies.patients END), 1) AS unknown,
         count(CASE WHEN instances.series = @series AND state = 'conflict' THEN 1 END) AS conflicts
       FROM instances JOIN series ON series.number = instances.series JOIN studies ON studies.number = series.study
       WHERE series.study = (SELECT study FROM series WHERE number = @series) AND state <> 'rejected'`,
    )
    .get({ series }) as { patients: number; unknown: number; conflicts: number };
  if (patients > 1 || unknown > 1) {
    const uids = strangers(database, series);
    const more = uids.length > NAMED ? ` and ${uids.length - NAMED} more` : '';
    const named = uids.length === 0 ? '' : `; of another patient than most: ${uids.slice(0, NAMED).join(', ')}${more}`;
    const message = `Images of the study name different patients, as after a merge gone wrong${named}. Say with resolve whose images hold.`;
    return { code: 'SEVERAL_PATIENTS', message };
  }
  if (conflicts === 0) return undefined;
  return {
    code: 'CONFLICT',
    message: `${conflicts} image(s) came twice under one UID with different contents; say with resolve which ones hold.`,
  };
}
