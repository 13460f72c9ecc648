// Why analyses of a series wait for a person: judged by what the journal keeps now, whatever was decided before.

import type { Database } from '../../../common/database';

export interface Hold {
  code: 'SEVERAL_PATIENTS' | 'CONFLICT';
  message: string;
}

/** @param series number in the journal @returns undefined where nothing holds it */
export function holdOf(database: Database, series: number): Hold | undefined {
  const { patients, conflicts } = database
    .prepare(
      `SELECT studies.patients, (SELECT count(*) FROM instances WHERE series = @series AND state = 'conflict') AS conflicts
       FROM series JOIN studies ON studies.number = series.study WHERE series.number = @series`,
    )
    .get({ series }) as { patients: number; conflicts: number };
  if (patients > 1) {
    return {
      code: 'SEVERAL_PATIENTS',
      message:
        'Images of the study name different patients, as after a merge gone wrong; correct the study, or discard it.',
    };
  }
  if (conflicts === 0) return undefined;
  return {
    code: 'CONFLICT',
    message: `${conflicts} image(s) came twice under one UID with different contents; say with resolve which ones hold.`,
  };
}
