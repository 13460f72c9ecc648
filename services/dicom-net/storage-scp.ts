// C-ECHO and C-STORE for those who may send (PS3.4 annexes A and B).

import type { Socket } from 'node:net';
import type { Logger } from '../common/logging';
import { afterMs } from '../common/timers';
import { isReadSyntax } from '../imaging/dicom/transfer-syntax';
import { admit, type Listener } from './peers';
import type { ObjectReceiver, Source } from './reception';
import type { Cut, GuardLimits } from './connection-guard';
import {
  COMMITMENT,
  commitmentSyntax,
  readCommitmentReport,
  readCommitmentRequest,
  reportRequest,
  type CommitmentReport,
  type CommitmentReports,
  type CommitmentRequest,
} from './commitment';
import { answerEvent } from './events';
import { IncomingObjects } from './incoming-objects';
import {
  CEchoResponse,
  NActionResponse,
  PresentationContextResult,
  RejectReason,
  RejectResult,
  RejectSource,
  Scp,
  type ActionArguments,
  type Association,
  type Dataset,
  type EchoArguments,
  type EventArguments,
  type PresentationContext,
  type StoreArguments,
  type StreamOf,
} from './library';
import { certificateName } from './port-identity';

export interface StorageDeps {
  listener: () => Listener;
  receiver: ObjectReceiver;
  limits: GuardLimits;
  log: Logger;
  cut: (why: Cut) => void;
  /** Hears of senders who may not associate. */
  onRefused?: (from: { calling: string; called: string; address: string }, reason: string) => void;
  /** Absent: storage commitment is not offered. */
  commitment?: CommitmentDeps | undefined;
}

export interface CommitmentDeps {
  /** What is answered to a request. */
  report: (request: CommitmentRequest) => CommitmentReport;
  /** Sends a report to those who have a port of their own; false for those who have none. */
  send: (to: Source, report: CommitmentReport) => boolean;
  /** Reports on objects that we sent. */
  reports: CommitmentReports;
}

export const VERIFICATION = '1.2.840.10008.1.1';
/** Beginning of the UIDs of all storage classes that are offered. */
export const STORAGE_CLASSES = '1.2.840.10008.5.1.4.1.1.';
const SUCCESS = 0x0000;
/** Statuses of N-ACTION (PS3.7, 10.1.4). */
const INVALID_ARGUMENT = 0x0115;
const NO_SUCH_SOP_CLASS = 0x0118;

/** What the other side gets to close the connection, milliseconds. */
const CLOSE_MS = 1_000;
/** One association with a sender. */
export class StorageScp extends Scp {
  private source: Source = { way: 'dicom', calling: '', called: '' };
  private readonly incoming: IncomingObjects;
  private accepted: Association | undefined;
  private readonly peer: Socket;
  private readonly deps: StorageDeps;

  constructor(socket: Socket, deps: StorageDeps) {
    super(socket, { connectTimeout: deps.limits.idleMs });
    this.peer = socket;
    this.deps = deps;
    this.on('networkError', () => socket.destroy());
    const { receiver, log } = deps;
    this.incoming = new IncomingObjects(socket, { receiver, log, source: () => this.source });
  }

  override associationRequested(association: Association): void {
    if (this.peer.destroyed) return;
    const { listener, receiver, log } = this.deps;
    const calling = association.getCallingAeTitle().trim();
    const called = association.getCalledAeTitle().trim();
    const admission = admit(listener(), {
      calling,
      called,
      address: this.peer.remoteAddress ?? '',
      certificate: certificateName(this.peer),
    });
    if (admission !== 'accepted') {
      log.warn({ event: 'association-refused', reason: admission }, 'a sender was refused');
      this.deps.onRefused?.({ calling, called, address: this.peer.remoteAddress ?? '' }, admission);
      const reason =
        admission === 'called-not-recognized'
          ? RejectReason.CalledAeNotRecognized
          : RejectReason.CallingAeNotRecognized;
      this.sendAssociationReject(RejectResult.Permanent, RejectSource.ServiceUser, reason);
      this.endSoon();
      return;
    }
    if (!receiver.hasRoom) {
      log.error({ event: 'association-refused', reason: 'no-room' }, 'the disk is above its watermark');
      const { Transient } = RejectResult;
      this.sendAssociationReject(Transient, RejectSource.ServiceProviderPresentation, RejectReason.LocalLimitExceeded);
      this.endSoon();
      return;
    }
    this.source = { way: 'dicom', calling, called };
    this.accepted = association;
    const isOffered = this.deps.commitment !== undefined;
    for (const { context } of association.getPresentationContexts()) negotiate(context, isOffered);
    this.sendAssociationAccept();
  }

  override associationReleaseRequested(): void {
    this.sendAssociationReleaseResponse();
    this.endSoon();
  }

  /** The other side should close the connection now (the ARTIM timer of PS3.8, 9.1.5). */
  private endSoon(): void {
    const alarm = afterMs(CLOSE_MS, () => this.peer.destroy(), { unref: true });
    this.peer.once('close', () => alarm.cancel());
  }

  override abort(): void {
    this.peer.destroy();
  }

  override cEchoRequest(...[request, answer]: EchoArguments): void {
    const response = CEchoResponse.fromRequest(request);
    response.setStatus(SUCCESS);
    answer(response);
  }

  override createStoreWritableStream(...args: Parameters<StreamOf>): ReturnType<StreamOf> {
    return this.incoming.begin(...args);
  }

  override createDatasetFromStoreWritableStream(
    _stream: unknown,
    context: PresentationContext,
    done: (dataset: InstanceType<typeof Dataset>) => void,
  ): void {
    this.incoming.end(context, done);
  }

  override nActionRequest(...[request, answer]: ActionArguments): void {
    const { commitment, log } = this.deps;
    const response = NActionResponse.fromRequest(request);
    const asked = readCommitmentRequest(request.getDataset()?.getElements() ?? {});
    if (!commitment || !asked || request.getRequestedSopClassUid() !== COMMITMENT) {
      response.setStatus(commitment && !asked ? INVALID_ARGUMENT : NO_SUCH_SOP_CLASS);
      answer(response);
      return;
    }
    const report = commitment.report(asked);
    const { kept, failed } = report;
    log.info({ event: 'commitment-asked', kept: kept.length, failed: failed.length }, 'asked for storage commitment');
    // Kept before the sender is told that it will hear of it.
    const isSent = commitment.send(this.source, report);
    response.setStatus(SUCCESS);
    answer(response);
    if (isSent) return;
    const syntax = this.accepted && commitmentSyntax(this.accepted);
    if (syntax !== undefined) this.sendRequests(reportRequest(report, syntax));
  }

  override nEventReportRequest(...args: EventArguments): void {
    const { commitment } = this.deps;
    answerEvent((elements) => commitment?.reports.take(readCommitmentReport(elements)) ?? false, ...args);
  }

  override cStoreRequest(...args: StoreArguments): void {
    this.incoming.answer(...args);
  }
}

/** Storage classes, verification, and commitment where it is offered, each in the first of the proposed transfer syntaxes that is read. */
function negotiate(context: PresentationContext, isCommitmentOffered: boolean): void {
  const syntax = context.getAbstractSyntaxUid().trim();
  const isOther = syntax === VERIFICATION || (isCommitmentOffered && syntax === COMMITMENT);
  if (!isOther && !syntax.startsWith(STORAGE_CLASSES)) {
    context.setResult(PresentationContextResult.RejectAbstractSyntaxNotSupported);
    return;
  }
  const read = context.getTransferSyntaxUids().find((proposed) => isReadSyntax(proposed.trim()));
  if (read === undefined) context.setResult(PresentationContextResult.RejectTransferSyntaxesNotSupported);
  else context.setResult(PresentationContextResult.Accept, read);
}
