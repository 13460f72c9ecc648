// Node's timers hold 2^31 - 1 ms (24.8 days); a longer one fires after 1 ms. `1e9 seconds` is a common way to say "no limit".

/** The longest delay of one timer, milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Alarm {
  cancel(): void;
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

/** Milliseconds since the epoch, some time from now, as gRPC takes them; undefined when that is too far away for a timer. */
export function deadlineIn(delayMs: number): number | undefined {
  return delayMs > MAX_TIMER_MS ? undefined : Date.now() + delayMs;
}
