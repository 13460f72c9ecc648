import type { Migration } from '../../../common/database';

/** The queue: what was asked for, where it stands, and everything that happened to it. Times are milliseconds since 1970. */
export const jobMigrations: readonly Migration[] = [
  {
    name: 'jobs-001',
    sql: `
      CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        request_id TEXT,
        spec TEXT NOT NULL,
        name TEXT NOT NULL,
        task TEXT NOT NULL,
        priority INTEGER NOT NULL,
        state TEXT NOT NULL,
        state_message TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        progress TEXT,
        result TEXT,
        error TEXT,
        create_time INTEGER NOT NULL,
        start_time INTEGER,
        end_time INTEGER,
        update_time INTEGER NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX jobs_request ON jobs (kind, request_id) WHERE request_id IS NOT NULL;
      CREATE INDEX jobs_state ON jobs (state, number);
      CREATE TABLE job_events (
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        sequence INTEGER NOT NULL,
        time INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (job, sequence)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];
