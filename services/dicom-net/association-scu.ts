// An association that we ask for. The library's own client proposes syntaxes that nobody asked for, transcodes what it is given, and
// is silent about requests that found no context; its network layer is used without that.

import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterMs } from '../common/timers';
import type { Outcome } from './reception';
import type { PeerTls } from './tls-files';
import { IncomingObjects, type IncomingDeps } from './incoming-objects';
import { isTlsFault } from '../common/tls-faults';
import { LEAST_TLS } from './port-identity';
import { answerEvent } from './events';
import { AssociationClass, PresentationContextResult, Scp, type Association } from './library';

export interface CalledAe {
  host: string;
  port: number;
  callingAe: string;
  calledAe: string;
  /** For connecting, for the answer to the association request, and for each answer, milliseconds. */
  timeoutMs: number;
  /** Absent: without TLS. Files are read for each association. */
  tls?: PeerTls | undefined;
}

export interface ProposedContext {
  abstractSyntax: string;
  /** One, or several of which the other side chooses one. */
  transferSyntax: string | readonly string[];
  /** Whether the other side may store objects of the class on this association (C-GET). */
  isStoredHere?: boolean;
  /** Whether we provide the service, although we ask for the association (reports of storage commitment). */
  isProvidedHere?: boolean;
}

/** Why an association is none, or no longer. */
export type AssociationFault =
  | { kind: 'unreachable' | 'aborted' | 'closed' | 'timeout' }
  /** The other side's certificate, or ours: `code` says what is wrong. */
  | { kind: 'tls'; code: string }
  | { kind: 'rejected'; permanent: boolean; reason: number; source: number };

export class AssociationError extends Error {
  constructor(readonly fault: AssociationFault) {
    super(fault.kind);
    this.name = 'AssociationError';
  }
}

type Request = Parameters<InstanceType<typeof Scp>['sendRequests']>[0];
type SingleRequest = Exclude<Request, unknown[]>;

/** Statuses of an answer that is not the last one (PS3.7, C.4). */
const PENDING = new Set([0xff00, 0xff01]);
/** The library does not see the packets of objects, and would take their time for silence; our own clock hears them. */
const NEVER_MS = 2 ** 40;
/** Between two looks at whether the other side is silent, milliseconds. */
const WATCH_MS = 250;

export interface StatusAnswer {
  getStatus(): number;
}

/** @throws AssociationError when a certificate cannot be read */
function connected({ host, port, tls }: CalledAe): Socket {
  if (!tls) return connect({ host, port });
  const { ca, cert, key, name = host } = tls;
  try {
    const own = cert === undefined || key === undefined ? {} : { cert: readFileSync(cert), key: readFileSync(key) };
    const servername = isIP(name) ? {} : { servername: name };
    return connectTls({ host, port, ca: readFileSync(ca), minVersion: LEAST_TLS, ...own, ...servername });
  } catch (error) {
    throw new AssociationError({ kind: 'tls', code: (error as NodeJS.ErrnoException).code ?? 'ERR_TLS' });
  }
}

/** Asks for an association, sends requests one after the other, and releases it. */
export class AssociationScu {
  private readonly network: InstanceType<typeof Scp>;
  private readonly socket;
  private end: (fault: AssociationFault) => void = () => undefined;
  /** Rejects when the association ends before we release it. */
  private readonly ended: Promise<never>;
  private connected = false;
  /** When something came last, milliseconds of the monotonic clock. */
  private heard = 0;

  private constructor(
    private readonly target: CalledAe,
    readonly association: Association,
  ) {
    this.socket = connected(target);
    this.socket.setNoDelay(true);
    this.ended = new Promise((_, reject) => {
      this.end = (fault) => {
        this.socket.destroy();
        reject(new AssociationError(fault));
      };
    });
    this.ended.catch(() => undefined);
    this.socket.once('connect', () => (this.connected = true));
    this.socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      this.end(isTlsFault(code) ? { kind: 'tls', code } : { kind: this.connected ? 'closed' : 'unreachable' });
    });
    this.socket.once('close', () => this.end({ kind: this.connected ? 'closed' : 'unreachable' }));
    // After our own listeners: the library's errors have no codes, and its own listener only logs.
    this.network = new Scp(this.socket, { connectTimeout: target.timeoutMs, pduTimeout: NEVER_MS });
    this.network.abort = () => this.end({ kind: 'aborted' });
    this.network.on('networkError', () => this.end({ kind: this.connected ? 'closed' : 'unreachable' }));
  }

  /** @throws AssociationError */
  static async open(target: CalledAe, contexts: readonly ProposedContext[]): Promise<AssociationScu> {
    const association = new AssociationClass(target.callingAe, target.calledAe);
    for (const { abstractSyntax, transferSyntax, isStoredHere, isProvidedHere } of contexts) {
      const id = association.addPresentationContext(abstractSyntax);
      for (const each of [transferSyntax].flat()) association.addTransferSyntaxToPresentationContext(id, each);
      if (isProvidedHere) association.getPresentationContext(id).setUserRole(false);
      if (isStoredHere || isProvidedHere) association.getPresentationContext(id).setProviderRole(true);
    }
    const scu = new AssociationScu(target, association);
    const { network } = scu;
    const accepted = new Promise<void>((resolve) => network.once('associationAccepted', () => resolve()));
    network.once('associationRejected', ({ result, source, reason }: Record<string, number>) => {
      scu.end({ kind: 'rejected', permanent: result === 1, source: source ?? 0, reason: reason ?? 0 });
    });
    const ready = target.tls ? 'secureConnect' : 'connect';
    scu.socket.once(ready, () => network.sendAssociationRequest(association));
    await scu.within(accepted);
    return scu;
  }

  /** Whether the other side takes requests of a class. */
  accepts(abstractSyntax: string): boolean {
    return this.association.getPresentationContexts().some(({ context }) => {
      return (
        context.getAbstractSyntaxUid() === abstractSyntax && context.getResult() === PresentationContextResult.Accept
      );
    });
  }

  /** Sends a request and waits for its status. @throws AssociationError */
  async request(request: SingleRequest): Promise<number> {
    const answered = new Promise<number>((resolve) => {
      request.on('response', (response: unknown) => resolve((response as StatusAnswer).getStatus()));
    });
    this.network.sendRequests(request);
    return this.within(answered);
  }

  /** Sends a request of several answers; `each` hears of them, and what it resolves to is the last one. @throws AssociationError */
  async requestAll<T extends StatusAnswer>(request: SingleRequest, each: (answer: T) => void): Promise<T> {
    this.heard = performance.now();
    const ended = new Promise<T>((resolve) => {
      request.on('response', (response: unknown) => {
        const answer = response as T;
        this.heard = performance.now();
        each(answer);
        if (!PENDING.has(answer.getStatus())) resolve(answer);
      });
    });
    this.network.sendRequests(request);
    // The whole may take long; silence may not.
    const watch = setInterval(() => {
      if (performance.now() - this.heard > this.target.timeoutMs) this.end({ kind: 'timeout' });
    }, WATCH_MS);
    try {
      return await Promise.race([ended, this.ended]);
    } finally {
      clearInterval(watch);
    }
  }

  /** Takes the objects that the other side stores on this association. */
  receive(deps: IncomingDeps): void {
    const told = (outcome: Outcome): void => {
      this.heard = performance.now();
      deps.told?.(outcome);
    };
    const incoming = new IncomingObjects(this.socket, { ...deps, told });
    const { network } = this;
    this.socket.on('data', () => (this.heard = performance.now()));
    network.createStoreWritableStream = (...args) => incoming.begin(...args);
    network.createDatasetFromStoreWritableStream = (_stream, context, done) => incoming.end(context, done);
    network.cStoreRequest = (...args) => incoming.answer(...args);
  }

  /** Takes events that the other side reports on this association. @param take hears of the elements; false: nobody wanted them */
  onEventReport(take: (elements: Record<string, unknown>) => boolean): void {
    this.network.nEventReportRequest = (...args) => answerEvent(take, ...args);
  }

  /** Ends it at once. */
  abort(): void {
    this.end({ kind: 'aborted' });
  }

  /** Ends the association in order; what the other side makes of that no longer matters. */
  async release(): Promise<void> {
    const released = new Promise<void>((resolve) => this.network.once('associationReleaseResponse', () => resolve()));
    this.network.sendAssociationReleaseRequest();
    await this.within(released).catch(() => undefined);
    this.socket.destroy();
  }

  private async within<T>(work: Promise<T>): Promise<T> {
    const alarm = afterMs(this.target.timeoutMs, () => this.end({ kind: 'timeout' }));
    try {
      return await Promise.race([work, this.ended]);
    } finally {
      alarm.cancel();
    }
  }
}
