// Calls that come when they come, whether or not earlier ones were answered, as those of many callers do. A closed loop, which
// waits for an answer before it asks again, slows down with the service and hides its waiting ("coordinated omission").

import { AutomedError } from '../common/errors';
import { Random } from '../common/random';
import { sleepMs } from '../common/timers';

export interface OpenLoop {
  /** Mean of the arrivals per second, `(0, inf)`; the gaps between them are exponential (a Poisson process). */
  rate: number;
  /** How long calls arrive, milliseconds. */
  durationMs: number;
  /** Of each call, from when it was due, milliseconds. */
  deadlineMs: number;
  /** Draws the gaps: the same seed, the same arrivals. */
  seed: number;
  /** Makes one call. @param timeoutMs what is left of its deadline @param index counts the calls from 0 */
  send: (timeoutMs: number, index: number) => Promise<unknown>;
  /** Ends the arrivals; calls under way are waited for. */
  signal?: AbortSignal | undefined;
  onEnd?: ((outcome: CallOutcome) => void) | undefined;
}

/** What became of one call. */
export interface CallOutcome {
  /** When it was due, milliseconds from the begin. */
  dueMs: number;
  /** From when it was due until it ended, milliseconds. */
  latencyMs: number;
  /** From when it was due until it was sent, milliseconds: what the generator itself was late. */
  lateMs: number;
  /** Absent: it was answered. */
  error?: AutomedError | undefined;
}

/** When calls are due, milliseconds from the begin, in ascending order. */
export function* arrivals(rate: number, durationMs: number, seed: number): Generator<number> {
  const random = new Random(seed);
  const gap = (): number => (-Math.log(1 - random.next()) * 1000) / rate;
  for (let due = gap(); due < durationMs; due += gap()) yield due;
}

/** Resolves when every call has ended. @throws what is no AutomedError, a fault of the caller */
export async function runOpenLoop({ rate, durationMs, seed, signal, ...each }: OpenLoop): Promise<CallOutcome[]> {
  const calls: Promise<CallOutcome>[] = [];
  const begun = performance.now();
  for (const dueMs of arrivals(rate, durationMs, seed)) {
    const early = begun + dueMs - performance.now();
    if (early > 0) await sleepMs(early, { signal }).catch(() => undefined);
    if (signal?.aborted) break;
    const outcome = call(begun, dueMs, calls.length, each);
    // Told at the end; until then nobody listens, and Node would end the process.
    outcome.catch(() => undefined);
    calls.push(outcome);
  }
  return Promise.all(calls);
}

async function call(
  begun: number,
  dueMs: number,
  index: number,
  { deadlineMs, send, onEnd }: Pick<OpenLoop, 'deadlineMs' | 'send' | 'onEnd'>,
): Promise<CallOutcome> {
  const sinceDue = (): number => performance.now() - begun - dueMs;
  const lateMs = sinceDue();
  const error = await send(Math.max(1, deadlineMs - lateMs), index).then(
    () => undefined,
    (thrown: unknown) => {
      if (thrown instanceof AutomedError) return thrown;
      throw thrown;
    },
  );
  const outcome = { dueMs, lateMs, latencyMs: sinceDue(), error };
  onEnd?.(outcome);
  return outcome;
}
