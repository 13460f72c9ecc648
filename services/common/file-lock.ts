// A lock that dies with its holder, however that dies: SQLite's exclusive lock on a file, which the kernel keeps for the
// process and drops at its end. No process id is written down, so none can be mistaken for another's.

import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { makeFolderSync } from './make-folder';

export interface FileLock {
  release(): void;
}

/** Takes the lock of a file, which is created when missing; undefined while another process holds it. */
export function tryLock(path: string): FileLock | undefined {
  makeFolderSync(dirname(path));
  const database = new Database(path, { timeout: 0 });
  try {
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') return undefined;
    throw error;
  }
}
