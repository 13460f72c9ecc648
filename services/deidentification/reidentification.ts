// Which pseudonym stands for whom: a file of its own, so that it can be guarded, and taken away, by itself.

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { openDatabase, type Database, type Migration } from '../common/database';
import { makeFolderSync } from '../common/make-folder';
import type { Replaced } from './deidentify';

const MIGRATIONS: readonly Migration[] = [
  {
    name: 'reidentification-001',
    sql: `
      CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
      CREATE TABLE pseudonyms (
        kind TEXT NOT NULL,
        pseudonym TEXT NOT NULL,
        original TEXT NOT NULL,
        create_time INTEGER NOT NULL,
        PRIMARY KEY (pseudonym, kind)
      ) STRICT;
    `,
  },
];

export class ReidentificationMap {
  private constructor(private readonly database: Database) {}

  /** Opens the file, or creates it, readable for its owner alone. */
  static open(path: string): ReidentificationMap {
    makeFolderSync(dirname(path));
    closeSync(openSync(path, 'a', 0o600));
    // Files that SQLite makes beside it get its permissions; those that an earlier version left had others.
    for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600);
    const map = new ReidentificationMap(openDatabase(path, MIGRATIONS));
    map.database.prepare(`INSERT OR IGNORE INTO secrets (name, value) VALUES ('key', ?)`).run(randomBytes(32));
    return map;
  }

  /** Of the keyed hashes. */
  get key(): Buffer {
    return this.database.prepare(`SELECT value FROM secrets WHERE name = 'key'`).pluck().get() as Buffer;
  }

  /** On the disk when this returns. */
  remember(replaced: readonly Replaced[], now = Date.now()): void {
    const put = this.database.prepare('INSERT OR IGNORE INTO pseudonyms VALUES (@kind, @pseudonym, @original, @now)');
    this.database.transaction(() => replaced.forEach((each) => put.run({ ...each, now })))();
  }

  /** What a pseudonym stands for; nothing where it is none of this map. */
  find(pseudonym: string): Replaced[] {
    return this.database
      .prepare('SELECT kind, pseudonym, original FROM pseudonyms WHERE pseudonym = ?')
      .all(pseudonym) as Replaced[];
  }

  close(): void {
    this.database.close();
  }
}
