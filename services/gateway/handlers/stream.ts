// Passes a stream on, byte for byte, in both directions.

import { once } from 'node:events';
import { type Client, status as Code, type ClientDuplexStream, type Metadata, type StatusObject } from '@grpc/grpc-js';
import { AutomedError } from '../../common/errors';
import { bufferOneMessage, type CallContext } from '../../common/grpc/handlers';
import { readModelField } from '../domain/model-field';
import { withModelField } from '../domain/rewrite';
import { type AcceptedCall, type Bytes, type Incoming, requireSize } from './call';
import { backendGone, outward, withoutHopHeaders } from './outward';

type Outgoing = ClientDuplexStream<Bytes, Bytes>;

const identity = (bytes: Bytes): Bytes => bytes;

/** Relays what is left of a call to a backend, until either side ends it. @returns how */
export async function relayStream(
  { target, first, rest, metadata, deadline, model, plan }: AcceptedCall,
  call: Incoming,
  context: CallContext,
  { client, lost, maxBytes }: { client: Client; lost: AbortSignal; maxBytes: number },
): Promise<Code> {
  const rewritten = plan.model !== model;
  if (rewritten) metadata.set('automed-model', plan.model);
  const options = Number.isFinite(deadline) ? { deadline } : {};
  const upstream = client.makeBidiStreamRequest(target.path, identity, identity, metadata, options);
  bufferOneMessage(upstream);
  const cancel = (): void => upstream.cancel();
  context.signal.addEventListener('abort', cancel, { once: true });
  if (context.signal.aborted) cancel();
  // A frozen backend ends nothing by itself.
  lost.addEventListener('abort', cancel, { once: true });

  // What fails upstream ends in its status; sending then merely stops.
  let refused: Error | undefined;
  send(first, rest, upstream, (message) => {
    requireSize(message, maxBytes);
    return rewritten && readModelField(message) !== '' ? withModelField(message, plan.model) : message;
  }).catch((error: Error) => {
    refused = error;
    cancel();
  });
  const status = await receive(upstream, call, context.signal);
  context.signal.removeEventListener('abort', cancel);
  lost.removeEventListener('abort', cancel);
  if (context.signal.aborted) return Code.CANCELLED;
  if (refused instanceof AutomedError) throw refused;
  if (lost.aborted && status.code === Code.CANCELLED) throw backendGone(status);
  if (status.code === Code.OK) call.end(withoutHopHeaders(status.metadata));
  else call.emit('error', outward(status, context.requestId));
  return status.code;
}

async function send(
  first: IteratorResult<Bytes>,
  rest: AsyncIterator<Bytes>,
  upstream: Outgoing,
  change: (message: Bytes) => Bytes,
): Promise<void> {
  for (let next = first; !next.done; next = await rest.next()) {
    if (!upstream.write(change(next.value))) await once(upstream, 'drain');
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
