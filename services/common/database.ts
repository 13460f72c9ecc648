// The SQLite file of a service. One process writes it; others may read it.

import { basename, dirname } from 'node:path';
import Database from 'better-sqlite3';
import { automedError } from './errors';
import { makeFolderSync } from './make-folder';

export type { Database } from 'better-sqlite3';

/** One step of a database's schema. A step that was released never changes; what follows gets a step of its own. */
export interface Migration {
  /** Unique and never given twice: the area and a number, e.g. `jobs-001`. */
  name: string;
  sql: string;
}

/** How long a statement waits for another process' transaction, e.g. a backup. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the file, or creates it, and brings its schema up to date. A commit is on the disk when it returns.
 * @param name what messages call the file
 * @throws IllegalStateError when a newer program has written the file, or it is no database
 */
export function openDatabase(path: string, migrations: readonly Migration[], name = basename(path)): Database.Database {
  makeFolderSync(dirname(path));
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    migrate(database, migrations, name);
    return database;
  } catch (error) {
    database.close();
    if ((error as { code?: unknown }).code !== 'SQLITE_NOTADB') throw error;
    const text = `${name} is not a database; restore it from a backup, or move it away.`;
    throw automedError('ILLEGAL_STATE', text, { cause: error });
  }
}

/** Applies what is missing, all of it or nothing, and records it by name, so that areas can grow side by side. */
function migrate(database: Database.Database, migrations: readonly Migration[], file: string): void {
  database.exec(
    'CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT',
  );
  const record = database.prepare('INSERT INTO schema_migrations (name, applied_at) VALUES (?, ?)');
  const applied = database.prepare('SELECT name FROM schema_migrations').pluck();
  const run = database.transaction(() => {
    const done = new Set(applied.all() as string[]);
    const known = new Set(migrations.map(({ name }) => name));
    const unknown = [...done].filter((name) => !known.has(name));
    if (unknown.length > 0) {
      const text = `${file} was written by a newer version of Automed (it has ${unknown.join(', ')}); use that version.`;
      throw automedError('ILLEGAL_STATE', text);
    }
    for (const { name, sql } of migrations) {
      if (done.has(name)) continue;
      database.exec(sql);
      record.run(name, new Date().toISOString());
    }
  });
  // Two programs that start at once: the second waits, and then finds everything done.
  run.immediate();
}
