// Calls of the gateway's HTTP/JSON: POST /v1/SERVICE/METHOD.

import { token, signedOut } from './session';
import { t } from '../texts/en';

/** What the gateway refused, or that it cannot be reached. */
export class CallError extends Error {
  override readonly name = 'CallError';
  constructor(
    message: string,
    /** Stable reason of proto/README.md, e.g. `EMBEDDING_NOT_RESIDENT`; `UNREACHABLE` without an answer. */
    readonly reason: string,
    /** gRPC's name of the status, e.g. `NOT_FOUND`. */
    readonly status: string,
    readonly field?: string,
  ) {
    super(message);
  }
}

interface ErrorBody {
  error?: { status?: string; reason?: string; message?: string; field?: string };
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** @throws CallError with a sentence for people; AbortError when the signal fires */
export async function call<Answer>(
  service: string,
  method: string,
  request: object,
  { signal }: CallOptions = {},
): Promise<Answer> {
  const response = await post(service, method, request, signal);
  return (await response.json()) as Answer;
}

/** Sends a request; an answer that is none becomes a CallError. */
export async function post(
  service: string,
  method: string,
  request: object,
  signal?: AbortSignal,
  more: Record<string, string> = {},
): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json', ...more };
  if (token.value !== '') headers['authorization'] = `Bearer ${token.value}`;
  const options: RequestInit = { method: 'POST', headers, body: JSON.stringify(request), signal: signal ?? null };
  const response = await fetch(`/v1/${service}/${method}`, options).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new CallError(t.errors.unreachable, 'UNREACHABLE', 'UNAVAILABLE');
  });
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as ErrorBody;
  if (response.status === 401) signedOut.value = true;
  const { message = t.errors.unknown(response.status), reason = '', status = '', field } = error ?? {};
  throw new CallError(message, reason, status, field);
}

/** Whether the service is not offered by this gateway, or the caller may not use it. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof CallError &&
  (error.status === 'UNIMPLEMENTED' || (error.status === 'NOT_FOUND' && error.reason === 'NOT_FOUND'));

/** Whether nobody answered, so that it is open what became of the call. */
export const isAway = (error: unknown): boolean => error instanceof CallError && error.status === 'UNAVAILABLE';

export const isAborted = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';

/** A sentence for people. */
export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
