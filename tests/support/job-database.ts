// The database of the training service, as tests of its tables open it: SQLite, or PostgreSQL where a test has chosen that.

import { openDatabase } from '../../services/training/adapters/database';
import { migratePostgres } from '../../services/training/adapters/migrations/postgres';
import { PostgresDatabase } from '../../services/database/postgres/postgres-database';
import { SqliteDatabase, type SqlDatabase } from '../../services/database/sql';
import { databaseName, type PostgresServer } from './postgres';

let postgres: PostgresServer | undefined;
const opened: PostgresDatabase[] = [];

/** From now on databases are opened on a server, each path standing for one. */
export function useServer(server: PostgresServer): void {
  postgres = server;
}

/** @param path of the SQLite file */
export function openJobDatabase(path: string): SqlDatabase {
  if (!postgres) return new SqliteDatabase(openDatabase(path));
  const database = new PostgresDatabase(postgres.url(databaseName(path)), () => undefined);
  opened.push(database);
  migratePostgres(database);
  return database;
}

export function closeServerDatabases(): void {
  for (const database of opened) database.close();
}
