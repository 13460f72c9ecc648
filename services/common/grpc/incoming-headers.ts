import type { IncomingHttpHeaders } from 'node:http2';
import { MAX_TIMER_MS } from '../timers';

const TIMEOUT = 'grpc-timeout';
const PATH = ':path';
/** Eight digits and a unit, with room. */
const MAX_TIMEOUT_LENGTH = 16;
/** More than any method of the API. */
const MAX_PATH_LENGTH = 256;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Alters the header of a call before grpc-js reads it. grpc-js keeps a timeout in 32 bits of milliseconds, so that one of 25
 * days or more passes at once: such a deadline is none. It also repeats timeouts that it cannot read and paths that it does
 * not know in its answer, which must be short.
 */
export function boundHeaders(headers: IncomingHttpHeaders): void {
  const timeout = headers[TIMEOUT];
  if (typeof timeout === 'string') {
    if (timeoutMs(timeout) > MAX_TIMER_MS) delete headers[TIMEOUT];
    else if (timeout.length > MAX_TIMEOUT_LENGTH) headers[TIMEOUT] = timeout.slice(0, MAX_TIMEOUT_LENGTH);
  }
  const path = headers[PATH];
  if (path !== undefined && path.length > MAX_PATH_LENGTH) headers[PATH] = path.slice(0, MAX_PATH_LENGTH);
}

/** Read as grpc-js does; 0 for what it cannot read. */
function timeoutMs(text: string): number {
  const [, amount = '0', unit = 'm'] = /(\d{1,8})\s*([HMSmun])/.exec(text) ?? [];
  return Number(amount) * (UNIT_MS[unit] ?? 0);
}
