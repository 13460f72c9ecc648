// Node's timers hold 2^31 - 1 ms (24.8 days); a longer one fires after 1 ms. `1e9 seconds` is a common way to say "no limit".

/** The longest delay of one timer, milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Alarm {
  cancel(): void;
}

export interface SleepOptions {
  /** Whether the process may end before; default false. */
  unref?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * setTimeout for any delay: one beyond what a timer holds is waited for in parts, Infinity never comes.
 * @param unref whether the process may end before; default false
 */
export function afterMs(delayMs: number, work: () => void, { unref = false } = {}): Alarm {
  const end = performance.now() + delayMs;
  let timer: NodeJS.Timeout;
  const arm = (ms: number): void => {
    const step = (): void => {
      const left = end - performance.now();
      if (ms < MAX_TIMER_MS || left <= 0) work();
      else arm(left);
    };
    timer = setTimeout(step, Math.min(ms, MAX_TIMER_MS));
    if (unref) timer.unref();
  };
  arm(delayMs);
  return { cancel: () => clearTimeout(timer) };
}

/**
 * Waits for any time, as afterMs().
 * @param signal ends it with the signal's reason
 */
export function sleepMs(delayMs: number, { unref = false, signal }: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      alarm.cancel();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is whatever ended it
      reject(signal?.reason);
    };
    const work = (): void => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const alarm = afterMs(delayMs, work, { unref });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Milliseconds since the epoch, some time from now, as gRPC takes them; undefined when that is too far away for a timer. */
export function deadlineIn(delayMs: number): number | undefined {
  return delayMs > MAX_TIMER_MS ? undefined : Date.now() + delayMs;
}
