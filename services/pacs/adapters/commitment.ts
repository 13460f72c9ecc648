// Storage commitment for those who sent to the bridge: what the journal keeps is committed.

import {
  CLASS_CONFLICT,
  NO_SUCH_INSTANCE,
  type CommitmentReport,
  type CommitmentReports,
} from '../../dicom-net/commitment';
import type { Source } from '../../dicom-net/reception';
import type { CommitmentDeps } from '../../dicom-net/storage-scp';
import type { Site } from '../../pacs-site/schema';
import { reportPort } from './commitment-reporter';

export interface CommitmentParts {
  site: () => Site;
  /** SOP class of what is kept under a UID. */
  keptClass: (sopInstance: string) => string | undefined;
  /** Notes what is committed, before anybody is told. */
  commit: (sopInstances: readonly string[]) => void;
  /** Keeps a report on the disk until it has gone: see CommitmentReporter. */
  keepReport: (calling: string, called: string, report: CommitmentReport) => void;
  reports: CommitmentReports;
}

export function commitmentOf({ site, keptClass, commit, keepReport, reports }: CommitmentParts): CommitmentDeps {
  const report: CommitmentDeps['report'] = ({ transaction, objects }) => {
    const judged = objects.map((each) => {
      const kept = keptClass(each.sopInstance);
      const reason = kept === undefined ? NO_SUCH_INSTANCE : kept === each.sopClass ? 0 : CLASS_CONFLICT;
      return { ...each, reason };
    });
    const kept = judged.filter(({ reason }) => reason === 0);
    commit(kept.map(({ sopInstance }) => sopInstance));
    return {
      transaction,
      kept,
      failed: judged.filter(({ reason }) => reason !== 0),
    };
  };
  const send: CommitmentDeps['send'] = (to: Source, answer) => {
    if (!reportPort(site(), to.calling)) return false;
    keepReport(to.calling, to.called, answer);
    return true;
  };
  return { report, send, reports };
}
