// The third spelling of the error taxonomy: typed error <-> gRPC status with google.rpc details. Both directions, so that
// a client catches the class that the server threw.

import { Metadata, status as Code, type StatusObject } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from 'nice-grpc-error-details/lib/proto/google/rpc/error_details';
import { Status } from 'nice-grpc-error-details/lib/proto/google/rpc/status';
import type { ItemStatus, ItemStatus__Output } from '../../../proto/gen/automed/common/v1/ItemStatus';
import { automedError, AutomedError, ERROR_CODES, type ErrorCode } from '../errors';
import { DETAILS_KEY, pack, unpack } from './status-details';
import { boundDescription, boundField, boundMessage } from './status-bounds';

export const ERROR_DOMAIN = 'automed';
const DEFAULT_RETRY_MS = 1_000;
/** RetryInfo makes no client of gRPC try again by itself; this trailer does, where its service config has a retry policy. */
export const PUSHBACK_KEY = 'grpc-retry-pushback-ms';

/** One line per code; proto/README.md shows the same table. */
export const GRPC_CODE_OF: Readonly<Record<ErrorCode, Code>> = {
  INVALID_ARGUMENT: Code.INVALID_ARGUMENT,
  SHAPE_MISMATCH: Code.INVALID_ARGUMENT,
  UNSUPPORTED_IMAGE: Code.INVALID_ARGUMENT,
  WRONG_TASK: Code.INVALID_ARGUMENT,
  NOT_FOUND: Code.NOT_FOUND,
  EMBEDDING_NOT_RESIDENT: Code.NOT_FOUND,
  ILLEGAL_STATE: Code.FAILED_PRECONDITION,
  CHECKPOINT_MISMATCH: Code.FAILED_PRECONDITION,
  CHECKPOINT_CORRUPT: Code.DATA_LOSS,
  NON_FINITE_OUTPUT: Code.FAILED_PRECONDITION,
  QUEUE_FULL: Code.RESOURCE_EXHAUSTED,
  OUT_OF_MEMORY: Code.RESOURCE_EXHAUSTED,
  STORAGE_FULL: Code.RESOURCE_EXHAUSTED,
  DEVICE_UNAVAILABLE: Code.UNAVAILABLE,
  CANCELLED: Code.CANCELLED,
  DEADLINE_EXCEEDED: Code.DEADLINE_EXCEEDED,
  INTERNAL: Code.INTERNAL,
  SERVICE_UNAVAILABLE: Code.UNAVAILABLE,
  UNAUTHENTICATED: Code.UNAUTHENTICATED,
  PERMISSION_DENIED: Code.PERMISSION_DENIED,
  LIMIT_EXCEEDED: Code.RESOURCE_EXHAUSTED,
};

/** What a status without our details means, e.g. one that gRPC itself raised. */
const CODE_OF_GRPC: Readonly<Partial<Record<Code, ErrorCode>>> = {
  [Code.CANCELLED]: 'CANCELLED',
  [Code.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [Code.OUT_OF_RANGE]: 'INVALID_ARGUMENT',
  [Code.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [Code.NOT_FOUND]: 'NOT_FOUND',
  [Code.FAILED_PRECONDITION]: 'ILLEGAL_STATE',
  [Code.RESOURCE_EXHAUSTED]: 'OUT_OF_MEMORY',
  [Code.DATA_LOSS]: 'CHECKPOINT_CORRUPT',
  [Code.UNAVAILABLE]: 'SERVICE_UNAVAILABLE',
  [Code.UNAUTHENTICATED]: 'UNAUTHENTICATED',
  [Code.PERMISSION_DENIED]: 'PERMISSION_DENIED',
};

/** The typed error in whatever was thrown; what nobody foresaw is INTERNAL. */
export function asAutomedError(thrown: unknown): AutomedError {
  if (thrown instanceof AutomedError) return thrown;
  const code = (thrown as { code?: unknown } | null)?.code;
  const name = (thrown as { name?: unknown } | null)?.name;
  if (code === 'ENOSPC') return automedError('STORAGE_FULL', 'The disk of the store is full.', { cause: thrown });
  if (name === 'AbortError') return automedError('CANCELLED', 'The call was cancelled.', { cause: thrown });
  return automedError('INTERNAL', String(thrown), { cause: thrown });
}

/** What callers may read, at most 1000 bytes: a fault of ours keeps its text for the log. */
function publicMessage(error: AutomedError, requestId: string): string {
  if (error.code !== 'INTERNAL') return boundMessage(error.message);
  return `Internal error; the server's log has the cause under request id ${requestId}.`;
}

function retryAfterMs(error: AutomedError): number | undefined {
  if (error.retryAfterMs !== undefined) return error.retryAfterMs;
  return error.code === 'QUEUE_FULL' || error.code === 'OUT_OF_MEMORY' ? DEFAULT_RETRY_MS : undefined;
}

/** The status of a failed call, with `grpc-status-details-bin` in its trailers; message and details are bounded. */
export function toStatus(thrown: unknown, requestId: string): StatusObject {
  const error = asAutomedError(thrown);
  const code = GRPC_CODE_OF[error.code];
  const message = publicMessage(error, requestId);
  const retryMs = retryAfterMs(error);
  const details = [pack(ErrorInfo, ErrorInfo.fromPartial({ reason: error.code, domain: ERROR_DOMAIN }))];
  if (error.field !== undefined) {
    const fieldViolations = [{ field: boundField(error.field), description: boundDescription(message) }];
    details.push(pack(BadRequest, BadRequest.fromPartial({ fieldViolations })));
  }
  if (retryMs !== undefined) {
    const retryDelay = { seconds: Math.floor(retryMs / 1000), nanos: Math.round((retryMs % 1000) * 1e6) };
    details.push(pack(RetryInfo, RetryInfo.fromPartial({ retryDelay })));
  }
  const metadata = new Metadata();
  if (retryMs !== undefined) metadata.set(PUSHBACK_KEY, String(Math.ceil(retryMs)));
  metadata.set(DETAILS_KEY, Buffer.from(Status.encode(Status.fromPartial({ code, message, details })).finish()));
  return { code, details: message, metadata };
}

/** The typed error behind the status of a failed call. */
export function fromStatus(status: { code: Code; details: string; metadata?: Metadata | undefined }): AutomedError {
  const packed = status.metadata?.get(DETAILS_KEY)[0];
  const details = packed === undefined ? [] : Status.decode(Buffer.from(packed)).details;
  const info = unpack(details, ErrorInfo);
  const known = info?.domain === ERROR_DOMAIN ? ERROR_CODES.find((code) => code === info.reason) : undefined;
  const delay = unpack(details, RetryInfo)?.retryDelay;
  return automedError(known ?? CODE_OF_GRPC[status.code] ?? 'INTERNAL', status.details, {
    field: unpack(details, BadRequest)?.fieldViolations[0]?.field,
    retryAfterMs: delay ? Number(delay.seconds) * 1000 + delay.nanos / 1e6 : undefined,
    cause: status,
  });
}

/** The status of one item of a stream. */
export function toItemStatus(thrown: unknown, requestId: string): ItemStatus {
  const error = asAutomedError(thrown);
  const retryMs = retryAfterMs(error);
  return {
    code: GRPC_CODE_OF[error.code],
    message: publicMessage(error, requestId),
    reason: error.code,
    field: boundField(error.field ?? ''),
    ...(retryMs === undefined ? {} : { retryAfterMs: Math.ceil(retryMs) }),
  };
}

/** The typed error behind the status of one item of a stream. */
export function fromItemStatus(status: ItemStatus__Output): AutomedError {
  const code = ERROR_CODES.find((known) => known === status.reason) ?? CODE_OF_GRPC[status.code as Code] ?? 'INTERNAL';
  return automedError(code, status.message, {
    field: status.field === '' ? undefined : status.field,
    retryAfterMs: status.retryAfterMs === undefined ? undefined : Number(status.retryAfterMs),
  });
}
