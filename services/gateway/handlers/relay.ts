// Passes one call on, byte for byte. Unary calls and streams look the same on the wire, so one path serves both.

import { once } from 'node:events';
import {
  type Metadata,
  status as Code,
  type Client,
  type ClientDuplexStream,
  type ServerDuplexStream,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { automedError } from '../../common/errors';
import {
  bidi,
  bufferOneMessage,
  modelHint,
  type CallContext,
  type ServiceRegistration,
} from '../../common/grpc/handlers';
import { deadlineMs } from '../../common/grpc/observe';
import { toStatus } from '../../common/grpc/status';
import { boundStatus } from '../../common/grpc/status-bounds';
import type { Logger } from '../../common/logging';
import type { Access } from '../../access/access';
import { readModelField, readNames } from '../domain/model-field';
import { agreedModel } from '../domain/routes';

type Bytes = Buffer;
type Incoming = ServerDuplexStream<Bytes, Bytes>;
type Outgoing = ClientDuplexStream<Bytes, Bytes>;

export interface RelayDeps {
  /** Where a call goes; throws the typed error when there is no such place. */
  pick(service: string, model: string): { client: Client; lost: AbortSignal };
  /** Who may call; absent: everybody. */
  access?: Access | undefined;
  log: Logger;
}

/** Who calls, for backends; callers cannot set it. */
const PRINCIPAL = 'automed-principal';

/** Of a call's header fields together, bytes. Many more make a backend end the connection that all callers share. */
const MAX_HEADER_BYTES = 65_536;

const identity = (bytes: Bytes): Bytes => bytes;

/** Headers that belong to one connection, not to the call. */
const HOP_HEADERS = [
  'user-agent',
  'content-type',
  'te',
  'date',
  'grpc-encoding',
  'grpc-accept-encoding',
  'accept-encoding',
];

/** Registers every method of a service so that its messages stay bytes. */
export function relayedService(name: string, definition: ServiceDefinition, deps: RelayDeps): ServiceRegistration {
  const relayed: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [method, { path, ...described }] of Object.entries(definition)) {
    const modelFields = addressedModels(described);
    relayed[method] = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    implementation[method] = bidi<Bytes, Bytes>(deps.log, (call, context) =>
      relay({ service: name, path, modelFields }, call, context, deps),
    );
  }
  return { name, definition: relayed, implementation };
}

/**
 * Numbers of the fields of a method's requests that name models: field 1 when it is `model`, by which the call is routed, then
 * `additional_models`; none when it is routed by its service alone.
 */
export function addressedModels({ requestType }: Partial<MethodDefinition<object, object>>): number[] {
  const { field: fields = [] } = (requestType?.type ?? {}) as { field?: { name: string; number: number }[] };
  if (!fields.some(({ name, number }) => number === 1 && name === 'model')) return [];
  return [1, ...fields.filter(({ name }) => name === 'additionalModels').map(({ number }) => number)];
}

interface Target {
  service: string;
  path: string;
  /** Numbers of the fields that name models, the one that it is routed by first; empty when it is routed by its service alone. */
  modelFields: readonly number[];
}

async function relay(
  { service, path, modelFields }: Target,
  call: Incoming,
  context: CallContext,
  deps: RelayDeps,
): Promise<void> {
  const principal = await deps.access?.authenticate(call.metadata.get('authorization')[0]?.toString());
  const messages = call.iterator({ destroyOnReturn: false }) as AsyncIterator<Bytes>;
  const next = await messages.next();
  const first = next.done ? undefined : next.value;
  const model = modelFields.length > 0 ? modelOf(call.metadata, first) : '';
  if (model !== '') context.setModel(model);
  if (principal) {
    context.setCaller(principal.id);
    const others = first === undefined ? [] : readNames(first, modelFields.slice(1));
    const models = [model, ...others].filter((name) => name !== '').map((name) => name.split('@')[0] ?? '');
    deps.access?.authorize(principal, { method: path.slice(1), models });
  }
  const { client, lost } = deps.pick(service, model);

  const deadline = deadlineMs(call.getDeadline());
  const options = Number.isFinite(deadline) ? { deadline } : {};
  const metadata = withoutHopHeaders(call.metadata);
  requireShort(metadata);
  metadata.set('x-request-id', context.requestId);
  metadata.remove('authorization');
  metadata.remove(PRINCIPAL);
  if (principal) metadata.set(PRINCIPAL, principal.id);
  const upstream = client.makeBidiStreamRequest(path, identity, identity, metadata, options);
  bufferOneMessage(upstream);
  const cancel = (): void => upstream.cancel();
  context.signal.addEventListener('abort', cancel, { once: true });
  if (context.signal.aborted) cancel();
  // A frozen backend ends nothing by itself.
  lost.addEventListener('abort', cancel, { once: true });

  // What fails upstream ends in its status; sending then merely stops.
  send(next, messages, upstream).catch(cancel);
  const status = await receive(upstream, call, context.signal);
  context.signal.removeEventListener('abort', cancel);
  lost.removeEventListener('abort', cancel);
  if (context.signal.aborted) return;
  if (lost.aborted && status.code === Code.CANCELLED) throw backendGone(status);
  if (status.code === Code.OK) call.end(withoutHopHeaders(status.metadata));
  else call.emit('error', outward(status, context.requestId));
}

function modelOf(metadata: Metadata, message: Bytes | undefined): string {
  return agreedModel(message === undefined ? '' : readModelField(message), modelHint(metadata));
}

async function send(first: IteratorResult<Bytes>, rest: AsyncIterator<Bytes>, upstream: Outgoing): Promise<void> {
  for (let next = first; !next.done; next = await rest.next()) {
    if (!upstream.write(next.value)) await once(upstream, 'drain');
  }
  upstream.end();
}

/**
 * Copies header and messages to the caller; resolves to the status that ends the call. The status can come while messages
 * still wait for a slow caller, so the end of the messages counts too.
 */
function receive(upstream: Outgoing, call: Incoming, signal: AbortSignal): Promise<StatusObject> {
  return new Promise((resolve) => {
    let status: StatusObject | undefined;
    let ended = false;
    const finish = (): void => {
      if (status && (ended || signal.aborted)) resolve(status);
    };
    upstream.on('metadata', (metadata: Metadata) => call.sendMetadata(withoutHopHeaders(metadata)));
    upstream.on('data', (message: Bytes) => {
      if (signal.aborted || call.write(message)) return;
      upstream.pause();
      call.once('drain', () => upstream.resume());
    });
    upstream.on('end', () => {
      ended = true;
      finish();
    });
    upstream.on('error', () => undefined); // `status` follows
    upstream.on('status', (received) => {
      status = received;
      finish();
    });
    signal.addEventListener('abort', finish, { once: true });
  });
}

/** Upstream's status as it came, within the bounds of any status; one that the channel made up itself names addresses, and becomes a sentence. */
function outward(status: StatusObject, requestId: string): StatusObject {
  const made = status.code === Code.UNAVAILABLE && status.metadata.get('grpc-status-details-bin').length === 0;
  if (!made) return boundStatus({ ...status, metadata: withoutHopHeaders(status.metadata) });
  return toStatus(backendGone(status), requestId);
}

function backendGone(cause: StatusObject): Error {
  const text = 'The backend of this call went away or cannot be reached; try again.';
  return automedError('SERVICE_UNAVAILABLE', text, { retryAfterMs: 1_000, cause });
}

function requireShort(metadata: Metadata): void {
  let bytes = 0;
  for (const [key, values] of Object.entries(metadata.toHttp2Headers())) {
    for (const value of [values].flat()) bytes += key.length + Buffer.byteLength(String(value));
  }
  if (bytes <= MAX_HEADER_BYTES) return;
  const text = `The metadata of the call has ${bytes} bytes; at most ${MAX_HEADER_BYTES} are passed on.`;
  throw automedError('INVALID_ARGUMENT', text);
}

function withoutHopHeaders(metadata: Metadata): Metadata {
  const copy = metadata.clone();
  for (const header of HOP_HEADERS) copy.remove(header);
  return copy;
}
