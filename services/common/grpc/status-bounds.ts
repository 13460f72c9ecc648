// What a status may hold, whoever made it.

import type { Metadata, status as Code } from '@grpc/grpc-js';
import type { Any } from 'nice-grpc-error-details/lib/proto/google/protobuf/any';
import { BadRequest, ErrorInfo, RetryInfo } from 'nice-grpc-error-details/lib/proto/google/rpc/error_details';
import { Status } from 'nice-grpc-error-details/lib/proto/google/rpc/status';
import { cutText } from '../bounded-text';
import { DETAILS_KEY, pack, unpack } from './status-details';

/**
 * A status travels in trailers, percent-encoded, and again in its details in base64. grpcio refuses trailers of more than
 * 8 KiB, and beyond nghttp2's limit of CONTINUATION frames the connection is lost with every other call on it.
 */
const MAX_MESSAGE_BYTES = 1_000;
const MAX_FIELD_BYTES = 256;
/** Of one field; the status has the whole message. */
const MAX_DESCRIPTION_BYTES = 256;
/** Of `grpc-status-details-bin` in base64. */
const MAX_DETAILS_BYTES = 4_095;

/** A status message, at most 1000 bytes. */
export function boundMessage(text: string): string {
  return sendable(text, MAX_MESSAGE_BYTES);
}

/** The path of a field or the name of a reason, at most 256 bytes. */
export function boundField(text: string): string {
  return sendable(text, MAX_FIELD_BYTES);
}

/** What is wrong with a field, at most 256 bytes. */
export function boundDescription(text: string): string {
  return sendable(text, MAX_DESCRIPTION_BYTES);
}

/** A status message travels percent-encoded, which half a surrogate pair cannot. */
function sendable(text: string, maxBytes: number): string {
  return cutText(text, maxBytes).replace(/\p{Surrogate}/gu, '\ufffd');
}

interface AnyStatus {
  code: Code;
  details: string;
  metadata?: Metadata | null | undefined;
}

/**
 * A status that something else made (gRPC itself, a backend), as it came where it is within the bounds of toStatus(). A longer
 * message is cut; of longer details only those that clients of Automed read are kept, cut in the same way.
 */
export function boundStatus<S extends AnyStatus>(status: S): S {
  const details = boundMessage(status.details);
  const metadata = status.metadata && boundDetails(status.metadata, status.code, details);
  return details === status.details && metadata === status.metadata ? status : { ...status, details, metadata };
}

function boundDetails(metadata: Metadata, code: Code, message: string): Metadata {
  const packed = metadata.get(DETAILS_KEY);
  const bytes = packed.reduce((sum, each) => sum + base64Bytes(Buffer.byteLength(each)), 0);
  if (bytes <= MAX_DETAILS_BYTES) return metadata;
  const bounded = metadata.clone();
  bounded.remove(DETAILS_KEY);
  const details = knownDetails(packed[0] as Buffer);
  const encoded = Buffer.from(Status.encode(Status.fromPartial({ code, message, details })).finish());
  if (base64Bytes(encoded.length) <= MAX_DETAILS_BYTES) bounded.set(DETAILS_KEY, encoded);
  return bounded;
}

/** ErrorInfo, the first field violation and RetryInfo, each bounded; nothing of what cannot be decoded. */
function knownDetails(packed: Buffer): Any[] {
  try {
    const { details } = Status.decode(packed);
    const kept: Any[] = [];
    const info = unpack(details, ErrorInfo);
    if (info) {
      const [reason, domain] = [boundField(info.reason), boundField(info.domain)];
      kept.push(pack(ErrorInfo, ErrorInfo.fromPartial({ reason, domain })));
    }
    const violation = unpack(details, BadRequest)?.fieldViolations[0];
    if (violation) {
      const bounded = { field: boundField(violation.field), description: boundDescription(violation.description) };
      kept.push(pack(BadRequest, BadRequest.fromPartial({ fieldViolations: [bounded] })));
    }
    const retry = unpack(details, RetryInfo);
    if (retry) kept.push(pack(RetryInfo, retry));
    return kept;
  } catch {
    return [];
  }
}

function base64Bytes(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}
