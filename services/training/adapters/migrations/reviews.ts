import type { Migration } from '../../../common/database';

/** Predictions under review, and every decision. Predictions and decisions are JSON; times are milliseconds since 1970. */
export const reviewMigrations: readonly Migration[] = [
  {
    name: 'reviews-001',
    sql: `
      CREATE TABLE reviews (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        queue TEXT NOT NULL,
        name TEXT NOT NULL,
        model TEXT NOT NULL,
        model_name TEXT NOT NULL,
        draft TEXT NOT NULL,
        uncertainty REAL NOT NULL,
        state TEXT NOT NULL,
        agreement REAL,
        create_time INTEGER NOT NULL,
        UNIQUE (queue, name, model)
      ) STRICT;
      CREATE INDEX reviews_order ON reviews (queue, state, uncertainty);
      CREATE INDEX reviews_model ON reviews (model_name, number);
      CREATE TABLE review_decisions (
        review INTEGER NOT NULL REFERENCES reviews (number) ON DELETE CASCADE,
        sequence INTEGER NOT NULL,
        decision TEXT NOT NULL,
        PRIMARY KEY (review, sequence)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];
