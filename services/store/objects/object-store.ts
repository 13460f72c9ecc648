// What the store asks of an object store.

import type { Readable } from 'node:stream';

export interface Listed {
  /** Below the store's prefix, e.g. `models/polyp/1/model.json`. */
  key: string;
  etag: string;
  bytes: number;
  /** When it was written, milliseconds since 1970. */
  writtenMs: number;
}

/** `absent`: only where there is no such object; with an ETag: only where the object is still that one. */
export type Condition = 'absent' | { etag: string };

/**
 * Objects below one prefix. Every method rejects with SERVICE_UNAVAILABLE while the object store does not answer, and with
 * IllegalStateError when it refuses this service.
 */
export interface ObjectStore {
  /** `s3://BUCKET/PREFIX`, for people. */
  readonly place: string;
  list(prefix: string): Promise<Listed[]>;
  /** A small object, whole; undefined when there is none. */
  read(key: string): Promise<{ text: string; etag: string } | undefined>;
  /** A large one; undefined when there is none. */
  open(key: string): Promise<{ bytes: number; body: Readable } | undefined>;
  /** False when the condition does not hold. */
  write(key: string, text: string, condition?: Condition): Promise<boolean>;
  /** Puts a file of this machine there. */
  upload(key: string, path: string, content: { sha256: string; bytes: number }): Promise<void>;
  /** Does nothing when there is none. */
  remove(key: string): Promise<void>;
}
