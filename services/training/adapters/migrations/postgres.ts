import { automedError } from '../../../common/errors';
import type { Migration } from '../../../common/database';
import type { SqlDatabase } from '../../../database/sql';

/** As the SQLite file is today; a step that was released never changes. */
export const POSTGRES_MIGRATIONS: readonly Migration[] = [
  {
    name: 'jobs-001',
    sql: `
      CREATE TABLE jobs (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        request_id TEXT,
        spec TEXT NOT NULL,
        name TEXT NOT NULL,
        task TEXT NOT NULL,
        priority BIGINT NOT NULL,
        creator TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL,
        state_message TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        failures BIGINT NOT NULL,
        progress TEXT,
        result TEXT,
        error TEXT,
        create_time BIGINT NOT NULL,
        start_time BIGINT,
        end_time BIGINT,
        update_time BIGINT NOT NULL
      );
      CREATE UNIQUE INDEX jobs_request ON jobs (kind, request_id) WHERE request_id IS NOT NULL;
      CREATE INDEX jobs_state ON jobs (state, number);
      CREATE TABLE job_events (
        job BIGINT NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        sequence BIGINT NOT NULL,
        time BIGINT NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (job, sequence)
      );
    `,
  },
  {
    name: 'promotions-001',
    sql: `
      CREATE TABLE promotions (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        request_id TEXT,
        kind TEXT NOT NULL,
        model TEXT NOT NULL,
        alias TEXT NOT NULL,
        from_version BIGINT,
        to_version BIGINT NOT NULL,
        state TEXT NOT NULL,
        gates TEXT NOT NULL,
        forced BIGINT NOT NULL,
        reason TEXT NOT NULL,
        requested_by TEXT NOT NULL,
        create_time BIGINT NOT NULL,
        end_time BIGINT
      );
      CREATE UNIQUE INDEX promotions_request ON promotions (request_id)
        WHERE request_id IS NOT NULL AND state <> 'ABANDONED';
      CREATE INDEX promotions_alias ON promotions (model, alias, number);
    `,
  },
  {
    name: 'datasets-001',
    sql: `
      CREATE TABLE datasets (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name TEXT NOT NULL,
        version BIGINT NOT NULL,
        request_id TEXT UNIQUE,
        task TEXT NOT NULL,
        source TEXT NOT NULL,
        check_job TEXT,
        create_time BIGINT NOT NULL,
        forget_time BIGINT,
        UNIQUE (name, version)
      );
    `,
  },
  {
    name: 'reviews-001',
    sql: `
      CREATE TABLE reviews (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        queue TEXT NOT NULL,
        name TEXT NOT NULL,
        model TEXT NOT NULL,
        model_name TEXT NOT NULL,
        draft TEXT NOT NULL,
        uncertainty DOUBLE PRECISION NOT NULL,
        state TEXT NOT NULL,
        agreement DOUBLE PRECISION,
        create_time BIGINT NOT NULL,
        UNIQUE (queue, name, model)
      );
      CREATE INDEX reviews_order ON reviews (queue, state, uncertainty);
      CREATE INDEX reviews_model ON reviews (model_name, number);
      CREATE TABLE review_decisions (
        review BIGINT NOT NULL REFERENCES reviews (number) ON DELETE CASCADE,
        sequence BIGINT NOT NULL,
        decision TEXT NOT NULL,
        PRIMARY KEY (review, sequence)
      );
    `,
  },
];

/**
 * Brings the schema up to date, all of it or nothing. Only the leader calls this.
 * @throws IllegalStateError when a newer program has written the database
 */
export function migratePostgres(database: SqlDatabase, migrations = POSTGRES_MIGRATIONS): void {
  database.transaction(() => {
    database.all('CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)');
    const done = new Set(database.all<{ name: string }>('SELECT name FROM schema_migrations').map(({ name }) => name));
    const unknown = [...done].filter((name) => !migrations.some((migration) => migration.name === name));
    if (unknown.length > 0) {
      const text = `The database was written by a newer version of Automed (it has ${unknown.join(', ')}); use that version.`;
      throw automedError('ILLEGAL_STATE', text);
    }
    for (const { name, sql } of migrations) {
      if (done.has(name)) continue;
      for (const statement of sql.split(';').filter((part) => part.trim() !== '')) database.all(statement);
      database.all('INSERT INTO schema_migrations (name, applied_at) VALUES (?, ?)', [name, new Date().toISOString()]);
    }
  });
}
