// Every method of the API, whose messages stay bytes.

import { status as Code, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { bidi, PEER_KEY, type CallContext, type ServiceRegistration } from '../../common/grpc/handlers';
import type { Logger } from '../../common/logging';
import type { Principal } from '../../access/access';
import { recordOrLog, summarize, type AuditLog } from '../../access/audit';
import { asAutomedError, GRPC_CODE_OF } from '../../common/grpc/status';
import { acceptCall, type AcceptedCall, type Bytes, type CallDeps, type Incoming } from './call';
import { targetOf, type Target } from './methods';
import { relayStream } from './stream';
import { noteEnd, type RoutingDeps } from './routing';
import { relayUnary } from './unary';

export interface RelayDeps extends RoutingDeps, Pick<CallDeps, 'access'> {
  /** Where who did what is written; absent: nowhere. */
  audit?: AuditLog | undefined;
  /** Whether calls say where they came from, as those of the gateway's other protocols do. */
  behindOthers?: boolean | undefined;
  log: Logger;
}

const identity = (bytes: Bytes): Bytes => bytes;

/** Registers every method of a service. Unary calls and streams look the same on the wire. */
export function relayedService(name: string, definition: ServiceDefinition, deps: RelayDeps): ServiceRegistration {
  const relayed: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [method, described] of Object.entries(definition)) {
    const target = targetOf(name, described);
    relayed[method] = {
      path: target.path,
      requestStream: true,
      responseStream: true,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    implementation[method] = bidi<Bytes, Bytes>(deps.log, (call, context) => relay(target, call, context, deps));
  }
  return { name, definition: relayed, implementation };
}

async function relay(target: Target, call: Incoming, context: CallContext, deps: RelayDeps): Promise<void> {
  const told = deps.behindOthers ? call.metadata.get(PEER_KEY)[0]?.toString() : undefined;
  const known: KnownCall = { target, call, context, peer: told ?? call.getPeer() };
  try {
    known.code = await acceptAndRelay(known, deps);
  } catch (error) {
    known.code = GRPC_CODE_OF[asAutomedError(error).code];
    throw error;
  } finally {
    if (deps.audit) writeDown(known, deps.audit, deps.log);
  }
}

async function acceptAndRelay(known: KnownCall, deps: RelayDeps): Promise<Code> {
  const { target, call, context } = known;
  const accepted = await acceptCall(target, call, context, deps, (principal) => (known.principal = principal));
  known.accepted = accepted;
  try {
    if (target.unary) return await relayUnary(accepted, call, context, deps);
    const chosen = deps.choose(accepted.plan, (address) => deps.ejection.isAside(address));
    const code = await relayStream(accepted, call, context, {
      client: chosen.client,
      lost: chosen.lost,
      maxBytes: deps.maxBytes(target.path.slice(1)),
    });
    noteEnd(deps.ejection, chosen.address, code);
    return code;
  } finally {
    accepted.leave();
  }
}

/** What is known of a call by the time it ends. */
interface KnownCall {
  target: Target;
  call: Incoming;
  context: CallContext;
  peer: string;
  principal?: Principal;
  accepted?: AcceptedCall;
  code?: Code;
}

function writeDown(
  { target, context, peer, principal, accepted, code = Code.UNKNOWN }: KnownCall,
  audit: AuditLog,
  log: Logger,
): void {
  if (!audit.concerns(Code[code], target.changes)) return;
  const message = target.changes && target.unary ? accepted?.message : undefined;
  const entry = {
    caller: principal?.id ?? 'nobody',
    roles: principal?.roles ?? [],
    peer,
    method: target.path.slice(1),
    code: Code[code],
    requestId: context.requestId,
    model: accepted?.model ?? '',
    request: message && summaryOf(target, message),
  };
  recordOrLog(audit, entry, log);
}

function summaryOf(target: Target, message: Buffer): Record<string, unknown> | undefined {
  try {
    return summarize(target.read(message));
  } catch {
    return undefined; // what is no message was refused
  }
}
