import { status as Code } from '@grpc/grpc-js';
import type { AutomedError } from '../../common/errors';

/** HTTP status of each gRPC status, as google.rpc.Code documents it. */
const HTTP_STATUS: Readonly<Record<Code, number>> = {
  [Code.OK]: 200,
  [Code.CANCELLED]: 499,
  [Code.UNKNOWN]: 500,
  [Code.INVALID_ARGUMENT]: 400,
  [Code.DEADLINE_EXCEEDED]: 504,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.PERMISSION_DENIED]: 403,
  [Code.UNAUTHENTICATED]: 401,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.FAILED_PRECONDITION]: 400,
  [Code.ABORTED]: 409,
  [Code.OUT_OF_RANGE]: 400,
  [Code.UNIMPLEMENTED]: 501,
  [Code.INTERNAL]: 500,
  [Code.UNAVAILABLE]: 503,
  [Code.DATA_LOSS]: 500,
};

/** What an error is in HTTP; `reason`, `field` and `retryAfterMs` as in gRPC's details. */
export interface HttpError {
  error: {
    /** gRPC's name of the status, e.g. `NOT_FOUND`. */
    status: string;
    /** Of proto/README.md's table, e.g. `WRONG_TASK`. */
    reason: string;
    message: string;
    field?: string;
    retryAfterMs?: number;
  };
}

export function httpError(
  code: Code,
  { code: reason, message, field, retryAfterMs }: Pick<AutomedError, 'code' | 'message' | 'field' | 'retryAfterMs'>,
): HttpError {
  return {
    error: {
      status: Code[code],
      reason,
      message,
      ...(field === undefined ? {} : { field }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  };
}

export function httpStatus(code: Code): number {
  return HTTP_STATUS[code];
}
