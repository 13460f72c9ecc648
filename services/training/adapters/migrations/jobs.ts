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
  {
    // Fields of specifications that are called as the API calls them since: train, allow_data_problems, decode_threads.
    name: 'jobs-002',
    sql: `
      UPDATE jobs SET spec = json_remove(json_set(spec, '$.train',
        CASE json_extract(spec, '$.encoder') WHEN 'all' THEN 'encoder' WHEN 'adapters' THEN 'adapters' ELSE 'head' END
      ), '$.encoder') WHERE json_type(spec, '$.encoder') IS NOT NULL;
      UPDATE jobs SET spec = json_remove(json_set(spec, '$.allowDataProblems',
        json(CASE json_extract(spec, '$.allowProblems') WHEN 1 THEN 'true' ELSE 'false' END)
      ), '$.allowProblems') WHERE json_type(spec, '$.allowProblems') IS NOT NULL;
      UPDATE jobs SET spec = json_remove(json_set(spec, '$.decodeThreads', json_extract(spec, '$.decodeParallel')),
        '$.decodeParallel') WHERE json_type(spec, '$.decodeParallel') IS NOT NULL;
    `,
  },
  {
    name: 'jobs-003',
    sql: `ALTER TABLE jobs ADD COLUMN creator TEXT NOT NULL DEFAULT '';`,
  },
];
