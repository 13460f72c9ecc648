// C-ECHO and C-STORE for those who may send (PS3.4 annexes A and B).

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Logger } from '../../../common/logging';
import { afterMs } from '../../../common/timers';
import { isReadSyntax } from '../../../imaging/dicom/transfer-syntax';
import { admit, type Listener } from '../../domain/peers';
import type { ObjectUids, Outcome, Refusal, Source } from '../../domain/reception';
import type { Receiver } from '../receiver';
import type { SpoolFile } from '../spool';
import type { Cut, GuardLimits } from './connection-guard';
import {
  CEchoResponse,
  CStoreResponse,
  Dataset,
  PresentationContextResult,
  RejectReason,
  RejectResult,
  RejectSource,
  Scp,
  type Association,
  type EchoArguments,
  type PresentationContext,
  type StoreArguments,
  type StreamOf,
} from './library';
import { fileBeginning } from './part10';
import { certificateName } from './port-identity';

export interface StorageDeps {
  listener: () => Listener;
  receiver: Receiver;
  limits: GuardLimits;
  log: Logger;
  cut: (why: Cut) => void;
}

const VERIFICATION = '1.2.840.10008.1.1';
const STORAGE_CLASSES = '1.2.840.10008.5.1.4.1.1.';
const SUCCESS = 0x0000;

/** C-STORE statuses (PS3.4 B.2.3). */
const STATUS: Readonly<Record<Refusal, number>> = {
  'disk-full': 0xa700,
  bomb: 0xa700,
  'other-instance': 0xa900,
  'not-supported': 0x0122,
  unreadable: 0xc000,
  'no-uids': 0xc000,
  failed: 0x0110,
};
/** What the other side gets to close the connection, milliseconds. */
const CLOSE_MS = 1_000;
/** Longest Error Comment, characters (LO). */
const MAX_COMMENT = 64;

/**
 * What the library takes for a stream of its own. It never says "wait": the library would go on with the next packet meanwhile
 * and mix up their order. The socket is paused instead.
 */
class IncomingStream extends EventEmitter {
  private file: SpoolFile | undefined;
  private readonly early: Buffer[] = [];
  private paused = false;
  /** Rejects when the file cannot be made. */
  readonly opened: Promise<SpoolFile>;

  constructor(
    private readonly socket: Socket,
    readonly announced: ObjectUids,
    opening: Promise<SpoolFile>,
  ) {
    super();
    this.opened = opening.then((file) => {
      this.file = file;
      for (const chunk of this.early.splice(0)) this.pass(chunk);
      return file;
    });
    this.opened.catch(() => undefined);
  }

  write(chunk: Buffer): true {
    if (this.file) this.pass(chunk);
    else this.early.push(chunk);
    return true;
  }

  end(): void {
    // The end is taken with finish().
  }

  private pass(chunk: Buffer): void {
    if (this.file?.write(chunk) !== false || this.paused) return;
    this.paused = true;
    this.socket.pause();
    this.file.onceDrained(() => {
      this.paused = false;
      this.socket.resume();
    });
  }
}

/** One association with a sender. */
export class StorageScp extends Scp {
  private source: Source = { way: 'dicom', calling: '', called: '' };
  private incoming: IncomingStream | undefined;
  private readonly peer: Socket;
  private readonly deps: StorageDeps;
  private outcome: Outcome = { refused: 'failed', message: '' };

  constructor(socket: Socket, deps: StorageDeps) {
    super(socket, { connectTimeout: deps.limits.idleMs });
    this.peer = socket;
    this.deps = deps;
    this.on('networkError', () => socket.destroy());
    socket.once('close', () => void this.abandon());
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
    for (const { context } of association.getPresentationContexts()) negotiate(context);
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

  override createStoreWritableStream(...[context, request]: Parameters<StreamOf>): ReturnType<StreamOf> {
    if (this.peer.destroyed) throw new Error('the sender is gone');
    const announced = {
      sopClass: request.getAffectedSopClassUid().replace(/\0/g, '').trim(),
      sopInstance: request.getAffectedSopInstanceUid().replace(/\0/g, '').trim(),
    };
    const transferSyntax = context.getAcceptedTransferSyntaxUid() ?? '';
    const beginning = fileBeginning({ ...announced, transferSyntax, sourceAe: this.source.calling });
    this.incoming = new IncomingStream(this.peer, announced, this.deps.receiver.begin(beginning));
    return this.incoming as unknown as ReturnType<StreamOf>;
  }

  override createDatasetFromStoreWritableStream(
    _stream: unknown,
    context: PresentationContext,
    done: (dataset: InstanceType<typeof Dataset>) => void,
  ): void {
    const { incoming } = this;
    this.incoming = undefined;
    void this.finish(incoming, context).then((outcome) => {
      this.outcome = outcome;
      // The library needs a data set to go on; what came was never parsed here.
      done(new Dataset({}));
    });
  }

  override cStoreRequest(...[request, answer]: StoreArguments): void {
    const response = CStoreResponse.fromRequest(request);
    const { outcome } = this;
    if ('kept' in outcome) response.setStatus(SUCCESS);
    else {
      const { refused, message } = outcome;
      this.deps.log.warn({ event: 'object-refused', reason: refused }, 'an object was refused');
      response.setStatus(STATUS[refused]);
      response.setErrorComment(message.slice(0, MAX_COMMENT));
    }
    answer(response);
  }

  private async finish(incoming: IncomingStream | undefined, context: PresentationContext): Promise<Outcome> {
    const { receiver, log } = this.deps;
    try {
      if (!incoming) throw new Error('no object was begun');
      const file = await incoming.opened;
      if (incoming.announced.sopClass !== context.getAbstractSyntaxUid().trim()) {
        await file.discard();
        return { refused: 'not-supported', message: NOT_SUPPORTED };
      }
      return await receiver.finish(file, this.source, incoming.announced);
    } catch (error) {
      const full = (error as { code?: unknown }).code === 'ENOSPC';
      if (!full) log.error({ err: error }, 'an object could not be received');
      return { refused: full ? 'disk-full' : 'failed', message: 'The object could not be kept.' };
    }
  }

  /** Deletes what a sender did not finish. */
  private async abandon(): Promise<void> {
    const { incoming } = this;
    this.incoming = undefined;
    const file = await incoming?.opened.catch(() => undefined);
    await file?.discard();
  }
}

const NOT_SUPPORTED = 'The SOP class is not that of its presentation context.';

/** Storage classes and verification, each in the first of the proposed transfer syntaxes that is read. */
function negotiate(context: PresentationContext): void {
  const syntax = context.getAbstractSyntaxUid().trim();
  if (syntax !== VERIFICATION && !syntax.startsWith(STORAGE_CLASSES)) {
    context.setResult(PresentationContextResult.RejectAbstractSyntaxNotSupported);
    return;
  }
  const read = context.getTransferSyntaxUids().find((proposed) => isReadSyntax(proposed.trim()));
  if (read === undefined) context.setResult(PresentationContextResult.RejectTransferSyntaxesNotSupported);
  else context.setResult(PresentationContextResult.Accept, read);
}
