// What every call goes through before it goes on: who calls, what is asked, whether it may be.

import type { Metadata, ServerDuplexStream } from '@grpc/grpc-js';
import type { Access, Principal } from '../../access/access';
import { passTrace } from '../../common/grpc/call-span';
import { modelHint, PEER_KEY, PRINCIPAL_KEY, type CallContext } from '../../common/grpc/handlers';
import { deadlineMs } from '../../common/grpc/observe';
import { malformed, readModelField, readNames, requireSameNames } from '../domain/model-field';
import type { Asked, Plan } from '../domain/picker';
import { agreedModel } from '../domain/routes';
import { automedError } from '../../common/errors';
import type { Target } from './methods';
import { requireShort, withoutHopHeaders } from './outward';

export type Bytes = Buffer;
export type Incoming = ServerDuplexStream<Bytes, Bytes>;

/** Calls that say the same here go the same way of a split, and to the same backend. */
const STICKY_KEY = 'automed-sticky-key';

export interface CallDeps {
  /** Who may call; absent: everybody. */
  access?: Access | undefined;
  /** Which way a call goes; throws the typed error when none leads there. */
  plan: (asked: Asked) => Plan;
  /** The most that a message of a method may have, bytes. @param method `package.Service/Method` */
  maxBytes: (method: string) => number;
}

/** A call that may go on. */
export interface AcceptedCall {
  target: Target;
  /** `name`, `name@version`, `name@alias`, or empty. */
  model: string;
  /** The first message; undefined when there is none. */
  message: Bytes | undefined;
  /** The first message as the iterator gave it; it was read for its model. */
  first: IteratorResult<Bytes>;
  /** The messages after it. */
  rest: AsyncIterator<Bytes>;
  /** Which way it goes. */
  plan: Plan;
  /** For the backend. */
  metadata: Metadata;
  /** Milliseconds since the epoch; Infinity without one. */
  deadline: number;
  /** What is counted while the call is under way is given back. */
  leave: () => void;
}

/**
 * Reads a call as far as needed to say where it goes.
 * @param onPrincipal told who calls before anything is refused
 * @throws the typed error of what it may not
 */
export async function acceptCall(
  target: Target,
  call: Incoming,
  context: CallContext,
  { access, plan: planOf, maxBytes }: CallDeps,
  onPrincipal: (principal: Principal) => void,
): Promise<AcceptedCall> {
  const method = target.path.slice(1);
  const principal = await access?.authenticate(call.metadata.get('authorization')[0]?.toString());
  if (principal) {
    onPrincipal(principal);
    context.setCaller(principal.id);
  }
  // Before the message is here: what is refused need not come.
  const leave = (principal && access?.enter(principal, method)) ?? ((): void => undefined);
  try {
    const rest = call.iterator({ destroyOnReturn: false }) as AsyncIterator<Bytes>;
    const first = await rest.next();
    const message: Bytes | undefined = first.done ? undefined : first.value;
    const model = target.modelFields.length > 0 ? modelOf(call.metadata, message) : '';
    if (model !== '') context.setModel(model);
    if (principal) {
      const others = message === undefined ? [] : readNames(message, target.modelFields.slice(1));
      if (message !== undefined) requireReadAlike(target, message, others);
      const models = [model, ...others].filter((name) => name !== '').map((name) => name.split('@')[0] ?? '');
      access?.authorize(principal, { method, models });
    }
    requireSize(message, maxBytes(method));
    const key = call.metadata.get(STICKY_KEY)[0]?.toString();
    const unchanged = target.modelFields.length === 0 || target.changes;
    const plan = planOf({ service: target.service, model, key, unchanged });
    const metadata = metadataFor(call.metadata, context, principal);
    return {
      target,
      model,
      message,
      plan,
      first,
      rest,
      metadata,
      deadline: deadlineMs(call.getDeadline()),
      leave,
    };
  } catch (error) {
    leave();
    throw error;
  }
}

/** What is allowed must be what a backend is going to read. @throws InvalidInputError */
export function requireReadAlike(target: Target, message: Bytes, others: readonly string[]): void {
  if (target.modelFields.length === 0) return;
  const { model = '', additionalModels = [] } = decoded(target, message);
  requireSameNames([readModelField(message), ...others], [model, ...additionalModels]);
}

function decoded(target: Target, message: Bytes): { model?: string; additionalModels?: string[] } {
  try {
    return target.read(message);
  } catch {
    throw malformed('cannot be decoded');
  }
}

/** @throws InvalidInputError: as it is, it would be refused again */
export function requireSize(message: Bytes | undefined, maxBytes: number): void {
  if (!message || message.length <= maxBytes) return;
  const text = `The message has ${message.length} bytes; this method takes at most ${maxBytes}.`;
  throw automedError('INVALID_ARGUMENT', text);
}

function modelOf(metadata: Metadata, message: Bytes | undefined): string {
  return agreedModel(message === undefined ? '' : readModelField(message), modelHint(metadata));
}

function metadataFor(received: Metadata, context: CallContext, principal: Principal | undefined): Metadata {
  const metadata = withoutHopHeaders(received);
  requireShort(metadata);
  metadata.set('x-request-id', context.requestId);
  metadata.remove('authorization');
  metadata.remove(PEER_KEY);
  metadata.remove(PRINCIPAL_KEY);
  if (principal) metadata.set(PRINCIPAL_KEY, principal.id);
  passTrace(metadata);
  return metadata;
}
