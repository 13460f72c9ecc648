import type { AutomedError } from '../../common/errors';
import { asAutomedError } from '../../common/grpc/status';
import { sleepMs } from '../../common/timers';
import { cancelledBy } from './cancelled';

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5_000;
/** Clients that were refused together come back apart: each waits up to a fifth longer. */
const SPREAD = 0.2;

export interface RetrySettings {
  /** Tries at most, `[1, inf)`. */
  attempts: number;
  /** All tries together, milliseconds. */
  timeoutMs: number;
  /** Whether the call may be made twice. */
  idempotent: boolean;
  signal?: AbortSignal | undefined;
}

/** A refusal for want of room comes before any work, so that even a call that must not be made twice may be repeated. */
const mayRepeat = (error: AutomedError, idempotent: boolean): boolean =>
  error.retryable && (idempotent || error.code === 'QUEUE_FULL' || error.code === 'LIMIT_EXCEEDED');

/** How long to wait before the next try, milliseconds: what the server asked for, else twice as long each time. */
export function retryDelayMs({ retryAfterMs }: AutomedError, attempt: number, random = Math.random()): number {
  const delay = retryAfterMs ?? Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return delay * (1 + SPREAD * random);
}

/**
 * Makes a call until it succeeds, fails for good, or has no time left for another try; it then rejects with the last error.
 * @param call gets what is left of the time, milliseconds
 */
export async function retrying<T>(
  { attempts, timeoutMs, idempotent, signal }: RetrySettings,
  call: (leftMs: number) => Promise<T>,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(end - performance.now());
    } catch (thrown) {
      const error = asAutomedError(thrown);
      const delayMs = retryDelayMs(error, attempt);
      if (attempt >= attempts || !mayRepeat(error, idempotent) || performance.now() + delayMs >= end) throw error;
      await sleepMs(delayMs, { signal }).catch(cancelledBy);
    }
  }
}
