// Files of every earlier schema, as they were released: they must open, keep their rows and gain what came since.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openDatabase } from '../../../../../services/training/adapters/database';
import { SqlJobTable } from '../../../../../services/training/adapters/job-table';
import { MIGRATIONS } from '../../../../../services/training/adapters/migrations';
import { SqlPromotionLog } from '../../../../../services/training/adapters/promotion-log';
import { SqliteDatabase } from '../../../../../services/database/sql';
import { temporaryFolder } from '../../../../support/data';

const folder = temporaryFolder();

/** What jobs-001 made, with a job and its history in it. */
const JOBS_001 = `
  CREATE TABLE schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT;
  INSERT INTO schema_migrations VALUES ('jobs-001', '2026-11-23T22:00:00.000Z');
  CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, request_id TEXT,
    spec TEXT NOT NULL, name TEXT NOT NULL, task TEXT NOT NULL, priority INTEGER NOT NULL, state TEXT NOT NULL,
    state_message TEXT NOT NULL, attempts INTEGER NOT NULL, failures INTEGER NOT NULL, progress TEXT, result TEXT,
    error TEXT, create_time INTEGER NOT NULL, start_time INTEGER, end_time INTEGER, update_time INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX jobs_request ON jobs (kind, request_id) WHERE request_id IS NOT NULL;
  CREATE INDEX jobs_state ON jobs (state, number);
  CREATE TABLE job_events (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE, sequence INTEGER NOT NULL, time INTEGER NOT NULL,
    event TEXT NOT NULL, PRIMARY KEY (job, sequence)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO jobs VALUES (7, '0123456789abcdef', 'training', 'asked-once', '{"name":"polyp"}', 'polyp', 'segmentation', 3,
    'SUCCEEDED', '', 2, 0, NULL, NULL, NULL, 1000, 1100, 1200, 1200);
  INSERT INTO jobs VALUES (8, 'fedcba9876543210', 'training', NULL,
    '{"name":"polyp","encoder":"all","allowProblems":true,"decodeParallel":2}', 'polyp', 'segmentation', 0, 'PAUSED', '', 1, 0,
    NULL, NULL, NULL, 1000, 1100, NULL, 1200);
  INSERT INTO job_events VALUES (7, 1, 1000, '{"type":"state","state":"PENDING","message":""}');
`;

/** What promotions-001 added, with a promotion in it. */
const PROMOTIONS_001 = `
  INSERT INTO schema_migrations VALUES ('promotions-001', '2026-11-23T23:00:00.000Z');
  CREATE TABLE promotions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, request_id TEXT, kind TEXT NOT NULL,
    model TEXT NOT NULL, alias TEXT NOT NULL, from_version INTEGER, to_version INTEGER NOT NULL, state TEXT NOT NULL,
    gates TEXT NOT NULL, forced INTEGER NOT NULL, reason TEXT NOT NULL, requested_by TEXT NOT NULL,
    create_time INTEGER NOT NULL, end_time INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX promotions_request ON promotions (request_id) WHERE request_id IS NOT NULL AND state <> 'ABANDONED';
  CREATE INDEX promotions_alias ON promotions (model, alias, number);
  INSERT INTO promotions VALUES (1, 'p-1', 'release-1', 'promotion', 'polyp', 'production', NULL, 2, 'DONE',
    '[{"metric":"mdsc","minimum":0.5,"measured":0.8,"evaluation":"","passed":true,"images":20}]', 0, 'first', 'ada', 1, 2);
`;

const RELEASED: [string, string][] = [
  [
    'nothing but the list of migrations',
    'CREATE TABLE schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT;',
  ],
  ['jobs-001', JOBS_001],
  ['jobs-001 and promotions-001', JOBS_001 + PROMOTIONS_001],
];

/** Tables and indexes as SQLite describes them, whatever the blanks of the statements that made them. */
function schemaOf(database: Database.Database): string[] {
  const statements = database.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').pluck().all() as string[];
  return statements.map((sql) => sql.replace(/\s+/g, ' ').replace(/\( | \)/g, (bracket) => bracket.trim())).sort();
}

test.each(RELEASED)('a file with %s becomes one of today, and keeps its rows', (name, sql) => {
  const path = join(folder, `${name}.db`);
  const before = new Database(path);
  before.exec(sql);
  before.close();
  const database = openDatabase(path);
  expect(schemaOf(database).join('\n')).toBe(schemaOf(openDatabase(':memory:')).join('\n'));
  const applied = database.prepare('SELECT name FROM schema_migrations').pluck().all();
  expect(new Set(applied)).toEqual(new Set(MIGRATIONS.map((migration) => migration.name)));
  if (sql.includes('INSERT INTO jobs')) {
    const table = new SqlJobTable(new SqliteDatabase(database));
    expect(table.find('0123456789abcdef')).toMatchObject({
      requestId: 'asked-once',
      spec: { name: 'polyp' },
      attempts: 2,
    });
    // Fields have the names of the API since.
    expect(table.find('fedcba9876543210')?.spec).toEqual({
      name: 'polyp',
      train: 'encoder',
      allowDataProblems: true,
      decodeThreads: 2,
    });
    expect(table.find('0123456789abcdef')?.spec).toEqual({ name: 'polyp' });
    expect(table.events('0123456789abcdef', 1, 10)).toMatchObject([{ sequence: 1, event: { state: 'PENDING' } }]);
  }
  if (sql.includes('INSERT INTO promotions')) {
    expect(new SqlPromotionLog(new SqliteDatabase(database)).findByRequest('release-1')).toMatchObject({
      toVersion: 2,
      fromVersion: null,
      gates: [{ metric: 'mdsc', measured: 0.8 }],
      requestedBy: 'ada',
    });
  }
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  database.close();
});
