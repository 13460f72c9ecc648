// The bridge's DICOM port on a receiver of the tests, on the loopback, not listening yet.

import type { CommitmentReports } from '../../services/dicom-net/commitment';
import type { StorageDeps } from '../../services/dicom-net/storage-scp';
import { StorageServer } from '../../services/dicom-net/storage-server';
import { commitmentOf } from '../../services/pacs/adapters/commitment';
import type { Site } from '../../services/pacs-site/schema';
import type { Receiving } from './pacs-receiver';

/** @param own what the test is about */
export function storagePort(at: Receiving, own: Pick<StorageDeps, 'listener'> & Partial<StorageDeps>): StorageServer {
  return new StorageServer(
    { host: '127.0.0.1', port: 0, maxConnections: 9, maxConnectionsPerAddress: 9 },
    {
      receiver: at.receiver,
      limits: { associateMs: 5_000, idleMs: 30_000, maxPduBytes: 1024 * 1024 },
      log: at.log,
      cut: () => undefined,
      ...own,
    },
  );
}

/** One that gives storage commitment, to those whom the site accepts. */
export function committingPort(at: Receiving, site: () => Site, reports: CommitmentReports): StorageServer {
  return storagePort(at, {
    listener: () => ({ ownTitles: site().ae_title, peers: site().accept }),
    commitment: commitmentOf({
      site,
      keptClass: (uid) => at.journal.arrivals.keptClass(uid),
      commit: (uids) => at.journal.arrivals.commit(uids),
      keepReport: (...report) => at.journal.reports.add(...report),
      reports,
    }),
  });
}
