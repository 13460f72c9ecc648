import type { ChannelCredentials } from '@grpc/grpc-js';

/** Settings of a client; each call may set its own time. */
export interface ClientOptions {
  /** What one call may take, with its retries, milliseconds, `(0, inf]`; default 120 000. Streams have no limit of their own. */
  timeoutMs?: number | undefined;
  /** How often a call is tried at most, `[1, inf)`; default 4, 1 never repeats. */
  attempts?: number | undefined;
  /** How long a stream may be silent before it counts as broken, milliseconds; default 60 000: servers send a sign of life every 15 s. */
  silenceMs?: number | undefined;
  /** Header fields of every call. */
  metadata?: Record<string, string> | undefined;
  /** TLS, from `@grpc/grpc-js`; default: plain text. */
  credentials?: ChannelCredentials | undefined;
  /** Largest message in either direction, bytes; default 64 MiB. */
  maxMessageBytes?: number | undefined;
}

/** Settings of one call. */
export interface CallOptions {
  /** What the call may take, with its retries, milliseconds, `(0, inf]`; default: the client's. */
  timeoutMs?: number | undefined;
  /** Cancels the call, also while it waits to be repeated; it then rejects with CancelledError. */
  signal?: AbortSignal | undefined;
  /** Header fields, beside the client's, e.g. `x-request-id`. */
  metadata?: Record<string, string> | undefined;
}

/** Settings of a stream, which lasts as long as somebody reads it. */
export type StreamOptions = CallOptions;
