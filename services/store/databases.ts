// The SQLite files beside the models, seen from outside: by who cleans up, checks or copies, while a service may be at work.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { entriesOf } from './durable';

const TRAINING = 'training.db';

/** States of jobs that nobody will go on with; one that has failed can be resumed. */
export const ENDED_JOBS: ReadonlySet<string> = new Set(['SUCCEEDED', 'CANCELLED']);

export interface JobFacts {
  id: string;
  state: string;
  /** JSON text of what was asked for. */
  spec: string;
}

/** What the training service's database says about things in the store. */
export interface TrainingFacts {
  /** State of each job by its id. */
  jobs: ReadonlyMap<string, string>;
  /** Those among them that wait, run or can be resumed. */
  unfinished: readonly JobFacts[];
  /** `name@version` of what was promoted, with the newest time that it took or left an alias, milliseconds since 1970. */
  promoted: ReadonlyMap<string, number>;
}

/** Names of the databases of a store. */
export async function databaseFiles(root: string): Promise<string[]> {
  const files = await entriesOf(root);
  return files.filter((file) => file.endsWith('.db')).sort();
}

/** What is wrong with a database; empty when nothing is. */
export function databaseProblems(path: string): string[] {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true });
    const found = database.pragma('integrity_check', { simple: false }) as { integrity_check: string }[];
    const broken = database.pragma('foreign_key_check') as { table: string }[];
    return [
      ...found.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
      ...broken.map(({ table }) => `A row of ${table} refers to one that is not there.`),
    ];
  } catch (error) {
    return [`It cannot be read: ${error instanceof Error ? error.message : String(error)}.`];
  } finally {
    database?.close();
  }
}

/** Copies a database in one consistent state, whatever is written to it meanwhile. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const database = new Database(from, { readonly: true, fileMustExist: true });
  try {
    await database.backup(to);
  } finally {
    database.close();
  }
}

/** Undefined where no training service has worked. */
export function readTrainingFacts(root: string): TrainingFacts | undefined {
  const path = join(root, TRAINING);
  if (!existsSync(path)) return undefined;
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const has = (table: string): boolean =>
      database.prepare("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?").pluck().get(table) === 1;
    const jobs = (has('jobs') ? database.prepare('SELECT id, state, spec FROM jobs').all() : []) as JobFacts[];
    const promotions = has('promotions')
      ? database
          .prepare(
            `SELECT model || '@' || version, max(time) FROM (
               SELECT model, to_version AS version, end_time AS time FROM promotions WHERE state = 'DONE'
               UNION ALL SELECT model, from_version, end_time FROM promotions WHERE state = 'DONE'
             ) WHERE version IS NOT NULL GROUP BY 1`,
          )
          .raw()
          .all()
      : [];
    const unfinished = jobs.filter(({ state }) => !ENDED_JOBS.has(state));
    const states = new Map(jobs.map(({ id, state }) => [id, state]));
    return { jobs: states, unfinished, promoted: new Map(promotions as [string, number][]) };
  } finally {
    database.close();
  }
}
