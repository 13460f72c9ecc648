// The second spelling of the error taxonomy (C++ ErrorCode -> class with a stable `code` -> gRPC status). The table of
// proto/README.md lists every code; tests/unit/services/common/errors.test.ts holds the three together.

/** Codes of native/src/core/error.h, spelled and ordered as there. */
export const NATIVE_ERROR_CODES = [
  'INVALID_ARGUMENT',
  'SHAPE_MISMATCH',
  'UNSUPPORTED_IMAGE',
  'WRONG_TASK',
  'NOT_FOUND',
  'EMBEDDING_NOT_RESIDENT',
  'ILLEGAL_STATE',
  'CHECKPOINT_MISMATCH',
  'CHECKPOINT_CORRUPT',
  'NON_FINITE_OUTPUT',
  'QUEUE_FULL',
  'OUT_OF_MEMORY',
  'STORAGE_FULL',
  'DEVICE_UNAVAILABLE',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
] as const;

/** Stable codes; the last ones belong to the services, no native code raises them. */
export const ERROR_CODES = [
  ...NATIVE_ERROR_CODES,
  'SERVICE_UNAVAILABLE',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'LIMIT_EXCEEDED',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetail {
  /** Field at fault, as the caller names it (dotted path), when there is one. */
  field?: string | undefined;
  /** When trying again makes sense, in milliseconds. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Root of every error that Automed raises on purpose. */
export class AutomedError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.code = code;
    this.field = detail.field;
    this.retryAfterMs = detail.retryAfterMs;
  }

  /** Whether the same call may succeed later: whoever refused it says when, or nobody answered. */
  get retryable(): boolean {
    return this.retryAfterMs !== undefined || this.code === 'SERVICE_UNAVAILABLE';
  }
}

/** Bad argument, shape mismatch, unsupported image, model of the other task. */
export class InvalidInputError extends AutomedError {}
/** Model, version, alias, base or job that does not exist; an embedding that this process does not hold. */
export class NotFoundError extends AutomedError {}
/** Right call, wrong moment: not loaded, disposed, closed. */
export class IllegalStateError extends AutomedError {}
/** Weights that do not fit (CHECKPOINT_MISMATCH), are damaged (CHECKPOINT_CORRUPT), or compute NaN or Inf (NON_FINITE_OUTPUT). */
export class CheckpointError extends AutomedError {}
/** Queue full, out of memory, disk full, a caller's limit reached; `retryAfterMs` says when to come back. */
export class ResourceExhaustedError extends AutomedError {}
/** Device absent or lost. */
export class DeviceError extends AutomedError {}
/** A service, or what it needs of another, cannot be reached or does not answer. */
export class UnavailableError extends AutomedError {}
/** Nobody known calls: no key or token, or one that does not hold. */
export class UnauthenticatedError extends AutomedError {}
/** Who calls may not do this. */
export class PermissionDeniedError extends AutomedError {}
export class CancelledError extends AutomedError {}
export class DeadlineError extends AutomedError {}
/** A fault of ours; the text is for logs, never for callers. */
export class InternalError extends AutomedError {}

const CLASS_OF: Record<ErrorCode, typeof AutomedError> = {
  INVALID_ARGUMENT: InvalidInputError,
  SHAPE_MISMATCH: InvalidInputError,
  UNSUPPORTED_IMAGE: InvalidInputError,
  WRONG_TASK: InvalidInputError,
  NOT_FOUND: NotFoundError,
  EMBEDDING_NOT_RESIDENT: NotFoundError,
  ILLEGAL_STATE: IllegalStateError,
  CHECKPOINT_MISMATCH: CheckpointError,
  CHECKPOINT_CORRUPT: CheckpointError,
  NON_FINITE_OUTPUT: CheckpointError,
  QUEUE_FULL: ResourceExhaustedError,
  OUT_OF_MEMORY: ResourceExhaustedError,
  STORAGE_FULL: ResourceExhaustedError,
  DEVICE_UNAVAILABLE: DeviceError,
  CANCELLED: CancelledError,
  DEADLINE_EXCEEDED: DeadlineError,
  INTERNAL: InternalError,
  SERVICE_UNAVAILABLE: UnavailableError,
  UNAUTHENTICATED: UnauthenticatedError,
  PERMISSION_DENIED: PermissionDeniedError,
  LIMIT_EXCEEDED: ResourceExhaustedError,
};

/** Makes the error of the right class for a code. */
export function automedError(code: ErrorCode, message: string, detail: ErrorDetail = {}): AutomedError {
  return new CLASS_OF[code](code, message, detail);
}

/** Turns what the addon threw (an Error with `code`, `field`, `retryAfterMs`) into the typed error. */
export function fromNative(thrown: unknown): AutomedError {
  if (thrown instanceof AutomedError) return thrown;
  const raw = thrown as Partial<{ code: string; message: string; field: string | null; retryAfterMs: number | null }>;
  const code = ERROR_CODES.find((known) => known === raw.code) ?? 'INTERNAL';
  return automedError(code, raw.message ?? String(thrown), {
    field: raw.field ?? undefined,
    retryAfterMs: raw.retryAfterMs ?? undefined,
    cause: thrown,
  });
}

/** Runs a call of the addon: what it throws at once and what it rejects with both become typed errors. */
export async function typedErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromNative(error);
  }
}
