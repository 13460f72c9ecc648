import type { Migration } from '../../../common/database';

/** Times are milliseconds since 1970. Headers are JSON and identify patients: the file is as confidential as the images. */
export const PACS_MIGRATIONS: readonly Migration[] = [
  {
    name: 'pacs-001',
    sql: `
      CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
      CREATE TABLE studies (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        study TEXT NOT NULL UNIQUE,
        patient TEXT NOT NULL,
        patients INTEGER NOT NULL DEFAULT 1,
        revision INTEGER NOT NULL DEFAULT 0,
        is_open INTEGER NOT NULL DEFAULT 1,
        create_time INTEGER NOT NULL,
        open_time INTEGER NOT NULL,
        arrival_time INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE series (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        study INTEGER NOT NULL REFERENCES studies (number) ON DELETE CASCADE,
        series TEXT NOT NULL,
        revision INTEGER NOT NULL DEFAULT 0,
        is_open INTEGER NOT NULL DEFAULT 1,
        expected INTEGER,
        open_time INTEGER NOT NULL,
        arrival_time INTEGER NOT NULL,
        UNIQUE (study, series)
      ) STRICT;
      CREATE INDEX series_open ON series (arrival_time) WHERE is_open = 1;
      CREATE TABLE instances (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        series INTEGER NOT NULL REFERENCES series (number) ON DELETE CASCADE,
        sop_instance TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('kept', 'conflict', 'rejected')),
        file TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        header TEXT NOT NULL,
        way TEXT NOT NULL,
        calling TEXT NOT NULL,
        called TEXT NOT NULL,
        arrival_time INTEGER NOT NULL,
        UNIQUE (sop_instance, sha256)
      ) STRICT;
      CREATE INDEX instances_series ON instances (series);
      CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        series INTEGER NOT NULL REFERENCES series (number) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        rule TEXT NOT NULL,
        terms TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_time INTEGER NOT NULL,
        lease_until INTEGER,
        code TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        create_time INTEGER NOT NULL,
        end_time INTEGER,
        UNIQUE (series, revision, rule)
      ) STRICT;
      CREATE INDEX jobs_due ON jobs (next_time) WHERE state IN ('queued', 'running');
      CREATE TABLE results (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        sop_class TEXT NOT NULL,
        sop_instance TEXT NOT NULL,
        series TEXT NOT NULL,
        file TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        UNIQUE (job, kind)
      ) STRICT;
      CREATE TABLE deliveries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        result INTEGER NOT NULL REFERENCES results (number) ON DELETE CASCADE,
        destination TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_time INTEGER NOT NULL,
        lease_until INTEGER,
        code TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '',
        create_time INTEGER NOT NULL,
        end_time INTEGER,
        UNIQUE (result, destination)
      ) STRICT;
      CREATE INDEX deliveries_due ON deliveries (destination, next_time) WHERE state IN ('queued', 'running');
    `,
  },
  {
    // Results of several encodings, and of several objects. Tables that others refer to are dropped after those: dropping deletes rows.
    name: 'pacs-002',
    sql: `
      CREATE TABLE results_2 (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        of TEXT NOT NULL DEFAULT '',
        part INTEGER NOT NULL DEFAULT 1,
        sop_class TEXT NOT NULL,
        sop_instance TEXT NOT NULL,
        series TEXT NOT NULL,
        file TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        UNIQUE (job, kind, of, part)
      ) STRICT;
      INSERT INTO results_2 (number, job, kind, sop_class, sop_instance, series, file, sha256, bytes)
        SELECT number, job, kind, sop_class, sop_instance, series, file, sha256, bytes FROM results;
      CREATE TABLE deliveries_2 (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        result INTEGER NOT NULL REFERENCES results_2 (number) ON DELETE CASCADE,
        destination TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_time INTEGER NOT NULL,
        lease_until INTEGER,
        code TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '',
        create_time INTEGER NOT NULL,
        end_time INTEGER,
        UNIQUE (result, destination)
      ) STRICT;
      INSERT INTO deliveries_2
          (number, result, destination, state, attempts, next_time, lease_until, code, message, create_time, end_time)
        SELECT number, result, destination, state, attempts, next_time, lease_until, code, message, create_time, end_time
        FROM deliveries;
      DROP TABLE deliveries;
      DROP TABLE results;
      ALTER TABLE results_2 RENAME TO results;
      ALTER TABLE deliveries_2 RENAME TO deliveries;
      CREATE INDEX deliveries_due ON deliveries (destination, next_time) WHERE state IN ('queued', 'running');
      CREATE INDEX deliveries_result ON deliveries (result);
      ALTER TABLE jobs ADD COLUMN context TEXT NOT NULL DEFAULT '';
      CREATE TABLE refusals (
        destination TEXT NOT NULL,
        encoding TEXT NOT NULL,
        time INTEGER NOT NULL,
        message TEXT NOT NULL,
        PRIMARY KEY (destination, encoding)
      ) STRICT;
    `,
  },
  {
    name: 'pacs-expectations-001',
    sql: `
      CREATE TABLE expectations (
        study TEXT NOT NULL,
        series TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (study, series)
      ) STRICT;
    `,
  },
  {
    // What the audit trail tells already: the revision of a series, and when work ended.
    name: 'pacs-audit-001',
    sql: `
      ALTER TABLE series ADD COLUMN audited INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE jobs ADD COLUMN audited INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE deliveries ADD COLUMN audited INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX jobs_unaudited ON jobs (number) WHERE end_time IS NOT NULL AND end_time <> audited;
      CREATE INDEX deliveries_unaudited ON deliveries (number) WHERE end_time IS NOT NULL AND end_time <> audited;
    `,
  },
  {
    // When a sender was last told that objects of the study are kept.
    name: 'pacs-commitment-001',
    sql: 'ALTER TABLE studies ADD COLUMN commit_time INTEGER;',
  },
  {
    // Reports of storage commitment that have not gone out.
    name: 'pacs-reports-001',
    sql: `
      CREATE TABLE reports (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        calling TEXT NOT NULL,
        called TEXT NOT NULL,
        transaction_uid TEXT NOT NULL,
        report TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_time INTEGER NOT NULL,
        create_time INTEGER NOT NULL,
        UNIQUE (calling, called, transaction_uid)
      ) STRICT;
    `,
  },
  {
    // Analyses whose images have not gone to their review queue; without a next time: given up.
    name: 'pacs-reviews-001',
    sql: `
      CREATE TABLE reviews (
        job INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_time INTEGER
      ) STRICT;
    `,
  },
  {
    // Keyed hash of the patient whom an object names; absent where objects of several came before it was kept for each of them.
    name: 'pacs-patients-001',
    sql: `
      ALTER TABLE instances ADD COLUMN patient TEXT;
      UPDATE instances SET patient = (SELECT studies.patient FROM studies JOIN series ON series.study = studies.number
        WHERE series.number = instances.series AND studies.patients = 1);
    `,
  },
];
