// Sends what the journal has of reports of storage commitment, over associations of our own: one at a time to each sender.

import type { Logger } from '../../common/logging';
import { sendReport } from '../../dicom-net/commitment';
import { policyOf, waitMs } from '../domain/backoff';
import type { Site } from '../../pacs-site/schema';
import type { PendingReport, PendingReports } from './journal/pending-reports';

export interface ReporterDeps {
  site: () => Site;
  reports: PendingReports;
  log: Logger;
}

/** Whoever got no report within a day asks again. */
const LONGEST_MS = 24 * 60 * 60 * 1000;

/** Where reports to an AE title go; undefined: it has no port of its own, and gets them over the association that asks. */
export function reportPort({ accept }: Site, calling: string): Site['accept'][number] | undefined {
  return accept.find(({ ae, address, port }) => ae === calling && address !== undefined && port !== undefined);
}

export class CommitmentReporter {
  private readonly busy = new Map<string, Promise<void>>();

  constructor(private readonly deps: ReporterDeps) {}

  /** Begins what is due to senders that are free; resolves to whether anything was. */
  step(): Promise<boolean> {
    let begun = false;
    for (const pending of this.deps.reports.due()) {
      const { calling } = pending;
      if (this.busy.has(calling)) continue;
      begun = true;
      const sending = this.send(pending)
        .catch((err: unknown) => this.deps.log.error({ err }, 'a report of storage commitment failed'))
        .finally(() => this.busy.delete(calling));
      this.busy.set(calling, sending);
    }
    return Promise.resolve(begun);
  }

  /** Resolves when none is on its way. */
  async idle(): Promise<void> {
    await Promise.all(this.busy.values());
  }

  private async send(pending: PendingReport): Promise<void> {
    const { site, reports, log } = this.deps;
    const { calling, called, report, attempts, createTime } = pending;
    const { address, port, tls } = reportPort(site(), calling) ?? {};
    const { delivery } = site();
    if (address === undefined || port === undefined) {
      reports.remove(pending);
      log.warn(
        { event: 'commitment-dropped' },
        'a report of storage commitment is of a sender without address and port',
      );
      return;
    }
    const timeoutMs = delivery.timeout_seconds * 1000;
    const target = { host: address, port, calledAe: calling, callingAe: called, timeoutMs, tls };
    const error = await sendReport(target, report).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    if (!error) {
      reports.remove(pending);
      return;
    }
    const isLast = Date.now() - createTime > LONGEST_MS;
    if (isLast) reports.remove(pending);
    else reports.later(pending, waitMs(policyOf(delivery), attempts + 1));
    const event = isLast ? 'commitment-dropped' : 'commitment-unreported';
    log.warn({ event, attempts: attempts + 1, why: error.message }, 'a report of storage commitment did not go out');
  }
}
