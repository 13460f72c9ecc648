// What the tables of jobs, promotions and data sets need of a database. Both adapters answer at once, so that a transaction is
// a plain function, and nothing else of the service runs in the middle of one.

import type { Database } from 'better-sqlite3';

export type Value = string | number | null;

/** Values go in for `?` in their order. */
export interface SqlDatabase {
  all<Row>(sql: string, values?: readonly Value[]): Row[];
  /** The first row. */
  get<Row>(sql: string, values?: readonly Value[]): Row | undefined;
  /** Runs alone: what it read does not change before it has written. Keeps all of it, or nothing when it throws. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export class SqliteDatabase implements SqlDatabase {
  constructor(private readonly database: Database) {}

  all<Row>(sql: string, values: readonly Value[] = []): Row[] {
    const statement = this.database.prepare<unknown[], Row>(sql);
    if (statement.reader) return statement.all(...values);
    statement.run(...values);
    return [];
  }

  get<Row>(sql: string, values: readonly Value[] = []): Row | undefined {
    return this.all<Row>(sql, values)[0];
  }

  /** Takes the write lock first. */
  transaction<T>(work: () => T): T {
    return this.database.transaction(work).immediate();
  }

  close(): void {
    this.database.close();
  }
}

/** Whether a row was refused because another one has what is unique. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  return code === 'SQLITE_CONSTRAINT_UNIQUE' || cause?.code === '23505';
}

/** `?, ?, ?` for so many values. */
export const places = (values: readonly unknown[]): string => values.map(() => '?').join(', ');
