// What the service and the thread of its connection tell each other.

import type { Value } from '../sql';

export interface ThreadData {
  url: string;
  /** Set to 1, and notified, when an answer lies at the port. */
  signal: Int32Array;
}

export interface Query {
  sql: string;
  values: readonly Value[];
}

/** `code`: the server's SQLSTATE; absent where it was the connection that failed. */
export type Answer = { rows: unknown[] } | { error: { message: string; code?: string } };

/** Tells why the connection is gone. */
export interface Lost {
  lost: string;
}
