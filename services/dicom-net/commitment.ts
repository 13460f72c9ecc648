// Storage commitment (PS3.4 annex J): whoever sent objects asks whether they are kept for good, and is told by an event.

import { randomUUID } from 'node:crypto';
import { afterMs } from '../common/timers';
import { IMPLICIT_LITTLE_ENDIAN } from '../imaging/dicom/transfer-syntax';
import { AssociationScu, type CalledAe } from './association-scu';
import { Dataset, NActionRequest, NEventReportRequest, type Association } from './library';
import type { ObjectUids } from './reception';

export const COMMITMENT = '1.2.840.10008.1.20.1';
/** The well-known instance that requests are sent to. */
const COMMITMENT_INSTANCE = '1.2.840.10008.1.20.1.1';
const REQUEST = 1;
const ALL_KEPT = 1;
const SOME_FAILED = 2;
/** Failure reasons (PS3.3, C.14.1.1): no such object instance, class and instance do not belong together. */
export const NO_SUCH_INSTANCE = 0x0112;
export const CLASS_CONFLICT = 0x0119;
/** Every side knows it. */
const SYNTAX = IMPLICIT_LITTLE_ENDIAN;
const SUCCESS = 0x0000;

/** What somebody asks of us. */
export interface CommitmentRequest {
  /** UID of the transaction. */
  transaction: string;
  objects: ObjectUids[];
}

/** What is answered to a request. */
export interface CommitmentReport {
  transaction: string;
  kept: ObjectUids[];
  failed: (ObjectUids & { reason: number })[];
}

interface Elements {
  TransactionUID?: unknown;
  ReferencedSOPSequence?: unknown;
  FailedSOPSequence?: unknown;
}

const text = (value: unknown): string => (typeof value === 'string' ? value.replace(/\0/g, '').trim() : '');

/** Items of a sequence as the library has it: one item may stand for itself. */
function items(sequence: unknown): Record<string, unknown>[] {
  if (sequence === undefined || sequence === null) return [];
  return (Array.isArray(sequence) ? sequence : [sequence]) as Record<string, unknown>[];
}

const uidsOf = (item: Record<string, unknown>): ObjectUids => ({
  sopClass: text(item['ReferencedSOPClassUID']),
  sopInstance: text(item['ReferencedSOPInstanceUID']),
});

/** @returns undefined for a data set that asks for nothing */
export function readCommitmentRequest(elements: Elements): CommitmentRequest | undefined {
  const transaction = text(elements.TransactionUID);
  const objects = items(elements.ReferencedSOPSequence).map(uidsOf);
  return transaction === '' || objects.length === 0 ? undefined : { transaction, objects };
}

export function readCommitmentReport(elements: Elements): CommitmentReport {
  const failed = items(elements.FailedSOPSequence).map((item) => ({
    ...uidsOf(item),
    reason: Number(item['FailureReason'] ?? 0),
  }));
  return {
    transaction: text(elements.TransactionUID),
    kept: items(elements.ReferencedSOPSequence).map(uidsOf),
    failed,
  };
}

const reference = ({ sopClass, sopInstance }: ObjectUids): object => ({
  ReferencedSOPClassUID: sopClass,
  ReferencedSOPInstanceUID: sopInstance,
});

/** @param syntax that the other side accepted */
export function reportRequest({ transaction, kept, failed }: CommitmentReport, syntax: string) {
  const type = failed.length === 0 ? ALL_KEPT : SOME_FAILED;
  const request = new NEventReportRequest(COMMITMENT, COMMITMENT_INSTANCE, type);
  const elements = {
    TransactionUID: transaction,
    ...(kept.length === 0 ? {} : { ReferencedSOPSequence: kept.map(reference) }),
    ...(failed.length === 0
      ? {}
      : { FailedSOPSequence: failed.map((each) => ({ ...reference(each), FailureReason: each.reason })) }),
  };
  request.setDataset(new Dataset(elements, syntax));
  return request;
}

/** The syntax of the accepted context of commitment on an association; undefined without one. */
export function commitmentSyntax(association: Association): string | undefined {
  return association
    .getPresentationContexts()
    .map(({ context }) => context)
    .find((context) => context.getAbstractSyntaxUid().trim() === COMMITMENT && context.getResult() === 0)
    ?.getAcceptedTransferSyntaxUid();
}

/** Reports whether objects are kept, over an association of our own. @throws AssociationError; Error when it is refused */
export async function sendReport(target: CalledAe, report: CommitmentReport): Promise<void> {
  // Who reports is the provider of the service, although it asks for the association.
  const context = { abstractSyntax: COMMITMENT, transferSyntax: SYNTAX, isProvidedHere: true };
  const scu = await AssociationScu.open(target, [context]);
  try {
    if (!scu.accepts(COMMITMENT)) throw new Error('the requester takes no reports');
    const status = await scu.request(reportRequest(report, SYNTAX));
    if (status !== SUCCESS) throw new Error(`the requester refuses the report (status ${status})`);
  } finally {
    await scu.release();
  }
}

/** Reports that are waited for, whichever association they come over. */
export class CommitmentReports {
  private readonly waiting = new Map<string, (report: CommitmentReport) => void>();

  /** Resolves to the report of a transaction; undefined when none came in time. */
  expect(transaction: string, timeoutMs: number): Promise<CommitmentReport | undefined> {
    return new Promise((resolve) => {
      const end = (report?: CommitmentReport): void => {
        alarm.cancel();
        this.waiting.delete(transaction);
        resolve(report);
      };
      const alarm = afterMs(timeoutMs, () => end());
      this.waiting.set(transaction, end);
    });
  }

  /** Whether somebody waited for it. */
  take(report: CommitmentReport): boolean {
    const end = this.waiting.get(report.transaction);
    end?.(report);
    return end !== undefined;
  }
}

/**
 * Asks whether objects are kept.
 * @returns undefined when no report came in time
 * @throws AssociationError; Error when the other side does not offer commitment
 */
export async function askCommitment(
  target: CalledAe,
  objects: readonly ObjectUids[],
  reports: CommitmentReports,
): Promise<CommitmentReport | undefined> {
  const scu = await AssociationScu.open(target, [{ abstractSyntax: COMMITMENT, transferSyntax: SYNTAX }]);
  try {
    if (!scu.accepts(COMMITMENT)) throw new Error('the receiver offers no storage commitment');
    scu.onEventReport((elements) => reports.take(readCommitmentReport(elements)));
    const transaction = `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
    const request = new NActionRequest(COMMITMENT, COMMITMENT_INSTANCE, REQUEST);
    request.setDataset(
      new Dataset({ TransactionUID: transaction, ReferencedSOPSequence: objects.map(reference) }, SYNTAX),
    );
    const report = reports.expect(transaction, target.timeoutMs);
    const status = await scu.request(request);
    if (status !== SUCCESS) throw new Error(`the receiver refuses to commit (status ${status})`);
    // Over this association or one that it asks us for: it stays open meanwhile.
    return await report;
  } finally {
    await scu.release();
  }
}
