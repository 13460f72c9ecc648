import { sleepMs } from '../../common/timers';
import { cancelledBy } from './cancelled';
import type { CallOptions } from './options';

const POLL_MS = 250;

/** Settings of a wait; the time limit is that of each look. */
export interface PollOptions<T> extends CallOptions {
  /** Called with what each look finds. */
  onProgress?: ((now: T) => void) | undefined;
}

/** Looks again and again until `isDone`; four times a second. */
export async function polled<T>(
  look: (options: CallOptions) => Promise<T>,
  isDone: (now: T) => boolean,
  { onProgress, ...options }: PollOptions<T>,
): Promise<T> {
  for (;;) {
    const now = await look(options);
    onProgress?.(now);
    if (isDone(now)) return now;
    await sleepMs(POLL_MS, options).catch(cancelledBy);
  }
}
