// What of a call's header, trailer and status goes on to the other side.

import { status as Code, type Metadata, type StatusObject } from '@grpc/grpc-js';
import { automedError } from '../../common/errors';
import { ANSWER_KEY, FULL_KEY } from '../../common/grpc/admit';
import { toStatus } from '../../common/grpc/status';
import { boundStatus } from '../../common/grpc/status-bounds';

/** Of a call's header fields together, bytes. Many more make a backend end the connection that all callers share. */
const MAX_HEADER_BYTES = 65_536;

/** Headers that belong to one connection, not to the call. */
const HOP_HEADERS = [
  'user-agent',
  'content-type',
  'te',
  'date',
  'grpc-encoding',
  'grpc-accept-encoding',
  'accept-encoding',
  ANSWER_KEY,
  FULL_KEY,
];

/** Whether the channel made up a status itself: no backend answered. */
export function isChannelMade({ code, metadata }: StatusObject): boolean {
  return code === Code.UNAVAILABLE && metadata.get('grpc-status-details-bin').length === 0;
}

/** Upstream's status as it came, within the bounds of any status; one that the channel made up itself names addresses, and becomes a sentence. */
export function outward(status: StatusObject, requestId: string): StatusObject {
  if (!isChannelMade(status)) return boundStatus({ ...status, metadata: withoutHopHeaders(status.metadata) });
  return toStatus(backendGone(status), requestId);
}

export function backendGone(cause: StatusObject): Error {
  const text = 'The backend of this call went away or cannot be reached; try again.';
  return automedError('SERVICE_UNAVAILABLE', text, { retryAfterMs: 1_000, cause });
}

/** @throws InvalidInputError */
export function requireShort(metadata: Metadata): void {
  let bytes = 0;
  for (const [key, values] of Object.entries(metadata.toHttp2Headers())) {
    for (const value of [values].flat()) bytes += key.length + Buffer.byteLength(String(value));
  }
  if (bytes <= MAX_HEADER_BYTES) return;
  const text = `The metadata of the call has ${bytes} bytes; at most ${MAX_HEADER_BYTES} are passed on.`;
  throw automedError('INVALID_ARGUMENT', text);
}

export function withoutHopHeaders(metadata: Metadata): Metadata {
  const copy = metadata.clone();
  for (const header of HOP_HEADERS) copy.remove(header);
  return copy;
}
