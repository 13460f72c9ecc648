import type { Migration } from '../../../common/database';

/** Every attempt to move an alias. Gates are JSON; times are milliseconds since 1970. */
export const promotionMigrations: readonly Migration[] = [
  {
    name: 'promotions-001',
    sql: `
      CREATE TABLE promotions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        request_id TEXT,
        kind TEXT NOT NULL,
        model TEXT NOT NULL,
        alias TEXT NOT NULL,
        from_version INTEGER,
        to_version INTEGER NOT NULL,
        state TEXT NOT NULL,
        gates TEXT NOT NULL,
        forced INTEGER NOT NULL,
        reason TEXT NOT NULL,
        requested_by TEXT NOT NULL,
        create_time INTEGER NOT NULL,
        end_time INTEGER
      ) STRICT;
      CREATE UNIQUE INDEX promotions_request ON promotions (request_id)
        WHERE request_id IS NOT NULL AND state <> 'ABANDONED';
      CREATE INDEX promotions_alias ON promotions (model, alias, number);
    `,
  },
];
