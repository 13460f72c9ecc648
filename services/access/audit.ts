// Who did what: JSON lines in a file of their own, apart from the log.

import { fchmodSync, openSync, writeSync } from 'node:fs';
import { cutText } from '../common/bounded-text';
import type { Logger } from '../common/logging';

/** What is written of a call. */
export interface AuditEntry {
  /** `key:NAME` or `user:SUBJECT`; `nobody` when the call did not say. */
  caller: string;
  roles: readonly string[];
  /** Where the call came from, as the socket says. */
  peer: string;
  /** `package.Service/Method` */
  method: string;
  /** gRPC status, e.g. `OK` or `PERMISSION_DENIED`. */
  code: string;
  requestId: string;
  /** Named by the request; empty without one. */
  model: string;
  /** Fields of the request, of a call that changes something. */
  request?: Record<string, unknown> | undefined;
}

export interface AuditSettings {
  file: string;
  /** `changes`: calls that change something, and refused ones; `all`: every call. */
  calls: 'changes' | 'all';
}

/** Lines about calls that name nobody: who sends thousands must not fill the disk. */
const NOBODYS_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

/** Appends lines; each is written when record() returns. */
export class AuditLog {
  private readonly descriptor: number;
  private minute = 0;
  private nobodys = 0;
  private dropped = 0;

  /** @throws when the file cannot be written */
  constructor(
    readonly settings: AuditSettings,
    private readonly clock: () => number = () => Date.now(),
  ) {
    this.descriptor = openSync(settings.file, 'a', 0o600);
    fchmodSync(this.descriptor, 0o600);
  }

  /** Whether a call is written down. @param changes whether its method changes something */
  concerns(code: string, changes: boolean): boolean {
    const refused = code === 'UNAUTHENTICATED' || code === 'PERMISSION_DENIED';
    return refused || changes || this.settings.calls === 'all';
  }

  record(entry: AuditEntry): void {
    if (entry.caller === 'nobody' && !this.mayWriteNobody()) {
      this.dropped += 1;
      return;
    }
    const dropped = this.dropped > 0 ? { dropped: this.dropped } : {};
    this.dropped = 0;
    const line = { time: new Date(this.clock()).toISOString(), ...entry, ...dropped };
    writeSync(this.descriptor, `${JSON.stringify(line)}\n`);
  }

  private mayWriteNobody(): boolean {
    const minute = Math.floor(this.clock() / MINUTE_MS);
    if (minute !== this.minute) [this.minute, this.nobodys] = [minute, 0];
    this.nobodys += 1;
    return this.nobodys <= NOBODYS_PER_MINUTE;
  }
}

const MAX_FIELDS = 24;
const MAX_TEXT_BYTES = 200;
const SECRET = /secret|password|token|credential|api_?key/i;

/** The fields of a request that say what was asked: no bytes, nothing that is called a secret, no passwords of addresses. */
export function summarize(request: object, depth = 2): Record<string, unknown> {
  const shown = Object.entries(request)
    .filter(([, value]) => value !== null && value !== undefined && value !== '' && !Buffer.isBuffer(value))
    .slice(0, MAX_FIELDS)
    .map(([name, value]) => [name, SECRET.test(name) ? '[redacted]' : shownValue(value, depth)] as const);
  return Object.fromEntries(shown.filter(([, value]) => value !== undefined));
}

function shownValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cutText(value.replace(/\/\/[^/@\s]+@/g, '//[redacted]@'), MAX_TEXT_BYTES);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null || depth === 0) return undefined;
  if (!Array.isArray(value)) return summarize(value, depth - 1);
  return value.slice(0, MAX_FIELDS).map((each) => (Buffer.isBuffer(each) ? undefined : shownValue(each, depth - 1)));
}

/** Writes a line, or says in the program's log that it cannot: what was answered stays answered. */
export function recordOrLog(audit: AuditLog, entry: AuditEntry, log: Pick<Logger, 'error'>): void {
  try {
    audit.record(entry);
  } catch (err) {
    log.error({ event: 'audit', err, entry }, 'the audit log cannot be written');
  }
}
