import type { Migration } from '../../../common/database';

/** Registered data sets. A forgotten one keeps its row, so that its version is not given again. */
export const datasetMigrations: readonly Migration[] = [
  {
    name: 'datasets-001',
    sql: `
      CREATE TABLE datasets (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        request_id TEXT UNIQUE,
        task TEXT NOT NULL,
        source TEXT NOT NULL,
        check_job TEXT,
        create_time INTEGER NOT NULL,
        forget_time INTEGER,
        UNIQUE (name, version)
      ) STRICT;
    `,
  },
];
