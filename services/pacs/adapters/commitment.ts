// Storage commitment for those who sent to the bridge: what the journal keeps is committed.

import type { Logger } from '../../common/logging';
import { sleepMs } from '../../common/timers';
import { CLASS_CONFLICT, NO_SUCH_INSTANCE, sendReport, type CommitmentReports } from '../../dicom-net/commitment';
import type { Source } from '../../dicom-net/reception';
import type { CommitmentDeps } from '../../dicom-net/storage-scp';
import type { Site } from '../domain/site/schema';

export interface CommitmentParts {
  site: () => Site;
  /** SOP class of what is kept under a UID. */
  keptClass: (sopInstance: string) => string | undefined;
  /** Notes what is committed, before anybody is told. */
  commit: (sopInstances: readonly string[]) => void;
  reports: CommitmentReports;
  log: Logger;
}

/** Between attempts to report, milliseconds; whoever got no report in the end asks again. */
const WAITS_MS = [0, 2_000, 10_000, 60_000, 300_000];

export function commitmentOf({ site, keptClass, commit, reports, log }: CommitmentParts): CommitmentDeps {
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
    const { accept, delivery } = site();
    const peer = accept.find(({ ae, port }) => ae === to.calling && port !== undefined);
    if (peer?.port === undefined || peer.address === undefined) return false;
    const { address: host, port, tls } = peer;
    const target = {
      host,
      port,
      calledAe: to.calling,
      callingAe: to.called,
      timeoutMs: delivery.timeout_seconds * 1000,
      tls,
    };
    void (async () => {
      for (const wait of WAITS_MS) {
        await sleepMs(wait, { unref: true });
        const error = await sendReport(target, answer).then(
          () => undefined,
          (thrown: unknown) => thrown as Error,
        );
        if (!error) return;
        log.warn(
          { event: 'commitment-unreported', why: error.message },
          'a report of storage commitment did not go out',
        );
      }
    })();
    return true;
  };
  return { report, send, reports };
}
