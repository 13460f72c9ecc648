// journal.db: everything that the bridge knows. One process writes it.

import { randomBytes } from 'node:crypto';
import { openDatabase, type Database } from '../../../common/database';
import { Arrivals } from './arrivals';
import { Auditable } from './auditable';
import { Completion } from './completion';
import { Jobs } from './jobs';
import { PACS_MIGRATIONS } from './migrations';
import { Outbox } from './outbox';
import { Overview } from './overview';
import { Parcels } from './parcels';
import { PendingReports } from './pending-reports';
import { PendingReviews } from './pending-reviews';
import { Retention } from './retention';
import { Steering } from './steering';

export interface Journal {
  arrivals: Arrivals;
  auditable: Auditable;
  /** The key of hashes that stand for patients and studies in the audit trail. */
  auditKey: Buffer;
  completion: Completion;
  jobs: Jobs;
  outbox: Outbox;
  overview: Overview;
  parcels: Parcels;
  reports: PendingReports;
  reviews: PendingReviews;
  retention: Retention;
  steering: Steering;
  close(): void;
}

/** A key that is made once for a journal. */
function keyOf(database: Database, name: string): Buffer {
  database.prepare('INSERT OR IGNORE INTO secrets (name, value) VALUES (?, ?)').run(name, randomBytes(32));
  return database.prepare('SELECT value FROM secrets WHERE name = ?').pluck().get(name) as Buffer;
}

/**
 * Opens the journal, and gives back what a process that was killed had leased.
 * @throws IllegalStateError as openDatabase()
 */
export function openJournal(path: string): Journal {
  const database = openDatabase(path, PACS_MIGRATIONS);
  const parcels = new Parcels(database);
  const jobs = new Jobs(database, parcels);
  jobs.releaseAll();
  const completion = new Completion(database);
  const patientKey = keyOf(database, 'patients');
  // Pulls end with the process that asked for them.
  database.exec('DELETE FROM expectations');
  return {
    arrivals: new Arrivals(database, patientKey),
    auditable: new Auditable(database),
    auditKey: keyOf(database, 'audit'),
    completion,
    jobs,
    outbox: new Outbox(database),
    overview: new Overview(database),
    parcels,
    reports: new PendingReports(database),
    reviews: new PendingReviews(database),
    retention: new Retention(database),
    steering: new Steering(database, completion, patientKey),
    close: () => database.close(),
  };
}
