// Work that goes on when the server comes back.

import { isAborted, isAway } from './call';

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 3_000;
/** A server that starts again loads LibTorch and weights first. */
const PATIENCE_MS = 120_000;

export interface PersistOptions {
  signal?: AbortSignal | undefined;
  /** Hears that the server is away, before each wait. */
  onWait?: (() => void) | undefined;
}

/** Repeats what changes nothing on the server while that is away, up to two minutes. @throws what the last attempt threw */
export async function persist<T>(work: () => Promise<T>, { signal, onWait }: PersistOptions = {}): Promise<T> {
  const begun = performance.now();
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      return await work();
    } catch (error) {
      if (isAborted(error) || !isAway(error) || performance.now() - begun > PATIENCE_MS) throw error;
      onWait?.();
      await pause(wait, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('aborted', 'AbortError'));
    });
  });
}
