// Passes a unary call on: its one message is at hand, and its answer whole before anything goes back, so that another backend
// can be asked where that is safe.

import { type Client, Metadata, status as Code, type StatusObject } from '@grpc/grpc-js';
import { automedError } from '../../common/errors';
import { ANSWER_KEY, FULL_KEY } from '../../common/grpc/admit';
import type { CallContext } from '../../common/grpc/handlers';
import { PUSHBACK_KEY } from '../../common/grpc/status';
import { readPriority } from '../domain/model-field';
import type { Saturation } from '../domain/saturation';
import type { AcceptedCall, Bytes, Incoming } from './call';
import { outward, withoutHopHeaders } from './outward';

/** A backend that is chosen for a call. */
export interface Chosen {
  client: Client;
  /** Aborts when the backend stops answering. */
  lost: AbortSignal;
  /** Of the one process. */
  address: string;
}

export interface UnaryDeps {
  /** Where a call goes, another place than those to avoid if there is one; throws the typed error when there is no place. */
  pick(service: string, model: string, avoid?: (address: string) => boolean): Chosen;
  saturation: Saturation;
}

/** One backend, and another when that fails. */
const MAX_ATTEMPTS = 2;

const identity = (bytes: Bytes): Bytes => bytes;

/** What a backend answered. */
export interface Answer {
  status: StatusObject;
  header: Metadata | undefined;
  message: Bytes | undefined;
}

/** Asks a backend, and another one when the first refused before any work, or failed and the method may be called twice. @returns how it ended */
export async function relayUnary(
  accepted: AcceptedCall,
  call: Incoming,
  context: CallContext,
  deps: UnaryDeps,
): Promise<Code> {
  const answer = await answerOf(accepted, context, deps);
  if (context.signal.aborted) return Code.CANCELLED;
  const { status, header, message } = answer;
  if (header) call.sendMetadata(withoutHopHeaders(header));
  if (status.code !== Code.OK) {
    call.emit('error', outward(status, context.requestId));
    return status.code;
  }
  if (message) call.write(message);
  call.end(withoutHopHeaders(status.metadata));
  return Code.OK;
}

async function answerOf(accepted: AcceptedCall, context: CallContext, deps: UnaryDeps): Promise<Answer> {
  const { target, model, deadline, message } = accepted;
  if (!message) throw automedError('INVALID_ARGUMENT', 'The call has no request.');
  const kind = `${target.path} ${model} ${readPriority(message, target.priorityField)}`;
  const tried = new Set<string>();
  let answer: Answer | undefined;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const leftMs = deadline - Date.now();
    const waitMs = (address: string): number | undefined => deps.saturation.waitMs(`${address} ${kind}`, leftMs);
    const avoid = (address: string): boolean => tried.has(address) || waitMs(address) !== undefined;
    const chosen = deps.pick(target.service, model, avoid);
    if (tried.has(chosen.address)) break;
    const busyMs = waitMs(chosen.address);
    if (busyMs !== undefined) {
      if (answer) break;
      throw automedError('QUEUE_FULL', 'Every backend of this call is busy.', { retryAfterMs: busyMs });
    }
    tried.add(chosen.address);
    answer = await ask(chosen, accepted, message, context.signal);
    if (context.signal.aborted) return answer;
    noteRefusal(answer.status, `${chosen.address} ${kind}`, deps.saturation);
    if (!mayAskAnother(answer.status, target.idempotent)) break;
  }
  if (!answer) throw new Error('a call without an attempt');
  return answer;
}

/** What is refused for want of room was not begun; what a backend that went away had begun may be done twice where that does no harm. */
function mayAskAnother(status: StatusObject, idempotent: boolean): boolean {
  if (status.code === Code.RESOURCE_EXHAUSTED) return status.metadata.get(PUSHBACK_KEY).length > 0;
  return status.code === Code.UNAVAILABLE && idempotent;
}

function noteRefusal({ code, metadata }: StatusObject, kind: string, saturation: Saturation): void {
  if (code !== Code.RESOURCE_EXHAUSTED) return;
  const number = (key: string): number | undefined => {
    const [value] = metadata.get(key);
    return value === undefined ? undefined : Number(value);
  };
  const [answerMs, fullMs] = [number(ANSWER_KEY), number(FULL_KEY)];
  if (answerMs !== undefined || fullMs !== undefined)
    saturation.note(kind, { waitMs: number(PUSHBACK_KEY) ?? 1_000, answerMs, fullMs });
}

/** Asks one backend. Never rejects: every end is a status. */
function ask(
  { client, lost }: Chosen,
  { target, metadata, deadline }: AcceptedCall,
  message: Bytes,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve) => {
    let header: Metadata | undefined;
    let received: Bytes | undefined;
    const options = Number.isFinite(deadline) ? { deadline } : {};
    const upstream = client.makeUnaryRequest(
      target.path,
      identity,
      identity,
      message,
      metadata.clone(),
      options,
      (_error, value?: Bytes) => (received = value),
    );
    const cancel = (): void => upstream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    lost.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    upstream.on('metadata', (value: Metadata) => (header = value));
    upstream.on('status', (status: StatusObject) => {
      signal.removeEventListener('abort', cancel);
      lost.removeEventListener('abort', cancel);
      const gone = lost.aborted && !signal.aborted && status.code === Code.CANCELLED;
      // grpc-js tells the status before it calls back with the message.
      setImmediate(() => resolve({ status: gone ? goneStatus(status) : status, header, message: received }));
    });
  });
}

/** As the channel says it of a backend that it cannot reach. */
function goneStatus(status: StatusObject): StatusObject {
  return { ...status, code: Code.UNAVAILABLE, metadata: new Metadata() };
}
