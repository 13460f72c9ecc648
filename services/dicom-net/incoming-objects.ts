// Objects that come by C-STORE over an association, whoever asked for it: streamed to the disk as they are, each with one outcome.

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Logger } from '../common/logging';
import { YoungBuffers } from '../common/young-buffers';
import type { IncomingFile, ObjectReceiver, ObjectUids, Outcome, Refusal, Source } from './reception';
import { bypass, type BulkSink } from './bulk-bypass';
import { CStoreResponse, Dataset, type PresentationContext, type StoreArguments, type StreamOf } from './library';
import { fileBeginning } from './part10';

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
/** Longest Error Comment, characters (LO). */
const MAX_COMMENT = 64;
/** Bytes that wait for a file to be made before their sender has to. */
const MOST_EARLY = 1024 * 1024;
const NOT_SUPPORTED = 'The SOP class is not that of its presentation context.';

/** Packets of all associations: V8 would let hundreds of megabytes of them come where other programs keep its threads from running. */
const buffers = new YoungBuffers();

/**
 * What the library takes for a stream of its own. It never says "wait": the library would go on with the next packet meanwhile
 * and mix up their order. The socket is paused instead.
 */
class IncomingStream extends EventEmitter {
  private file: IncomingFile | undefined;
  private readonly early: Buffer[] = [];
  private earlyBytes = 0;
  private paused = false;
  private isRefused = false;
  /** Rejects when the file cannot be made. */
  readonly opened: Promise<IncomingFile>;

  constructor(
    private readonly socket: Socket,
    readonly announced: ObjectUids,
    opening: Promise<IncomingFile>,
  ) {
    super();
    this.opened = opening.then((file) => {
      this.file = file;
      this.goOn();
      for (const chunk of this.early.splice(0)) this.pass(chunk);
      return file;
    });
    this.opened.catch(() => {
      // Nothing will take it: an object may be longer than memory is.
      this.isRefused = true;
      this.early.length = 0;
      this.goOn();
    });
  }

  write(chunk: Buffer): true {
    if (this.file) this.pass(chunk);
    else if (!this.isRefused) this.keep(chunk);
    return true;
  }

  end(): void {
    // The end is taken with finish().
  }

  private keep(chunk: Buffer): void {
    this.early.push(chunk);
    this.earlyBytes += chunk.length;
    if (this.earlyBytes > MOST_EARLY) this.wait();
  }

  private pass(chunk: Buffer): void {
    if (this.file?.write(chunk) !== false || this.paused) return;
    this.wait();
    this.file.onceDrained(() => this.goOn());
  }

  private wait(): void {
    this.paused = true;
    this.socket.pause();
  }

  private goOn(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
  }
}

export interface IncomingDeps {
  receiver: ObjectReceiver;
  log: Logger;
  /** Who sends. */
  source: () => Source;
  /** Hears of each object before its sender does. */
  told?: (outcome: Outcome) => void;
}

/** The objects of one association, of which one comes at a time. To be made when the library listens to the socket. */
export class IncomingObjects implements BulkSink {
  private incoming: IncomingStream | undefined;
  private outcome: Outcome = { refused: 'failed', message: '' };

  constructor(
    private readonly socket: Socket,
    private readonly deps: IncomingDeps,
  ) {
    socket.once('close', () => void this.abandon());
    bypass(socket, this);
  }

  get isReceiving(): boolean {
    return this.incoming !== undefined;
  }

  take(chunk: Buffer): void {
    this.incoming?.write(chunk);
    buffers.look();
  }

  /** An object begins. */
  begin(...[context, request]: Parameters<StreamOf>): ReturnType<StreamOf> {
    if (this.socket.destroyed) throw new Error('the sender is gone');
    const announced = {
      sopClass: request.getAffectedSopClassUid().replace(/\0/g, '').trim(),
      sopInstance: request.getAffectedSopInstanceUid().replace(/\0/g, '').trim(),
    };
    const transferSyntax = context.getAcceptedTransferSyntaxUid() ?? '';
    const beginning = fileBeginning({ ...announced, transferSyntax, sourceAe: this.deps.source().calling });
    this.incoming = new IncomingStream(this.socket, announced, this.deps.receiver.begin(beginning));
    return this.incoming as unknown as ReturnType<StreamOf>;
  }

  /** The object has come. */
  end(context: PresentationContext, done: (dataset: InstanceType<typeof Dataset>) => void): void {
    const { incoming } = this;
    this.incoming = undefined;
    void this.finish(incoming, context).then((outcome) => {
      this.outcome = outcome;
      this.deps.told?.(outcome);
      // The library needs a data set to go on; what came was never parsed here.
      done(new Dataset({}));
    });
  }

  /** Says what became of it. */
  answer(...[request, answer]: StoreArguments): void {
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
    const { receiver, log, source } = this.deps;
    try {
      if (!incoming) throw new Error('no object was begun');
      const file = await incoming.opened;
      if (incoming.announced.sopClass !== context.getAbstractSyntaxUid().trim()) {
        await file.discard();
        return { refused: 'not-supported', message: NOT_SUPPORTED };
      }
      return await receiver.finish(file, source(), incoming.announced);
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
