// libuv's pool decodes images and compresses masks, up to four at once, on the processors that models run on. Where its threads take as
// much of these as the threads that compute, the answer to every image of a burst waits for the decoding of those behind it.

import { readdirSync, readFile } from 'node:fs';
import { setPriority } from 'node:os';

/** A quarter of a processor that a thread of normal priority wants too, all of one that nobody else wants. */
const NICENESS = 5;
const THREADS = '/proc/self/task';

/**
 * Gives the threads of libuv's pool a lower priority than the rest of the process (Linux, where each thread has its own). To be
 * called before anything uses the pool: all its threads start with its first job.
 * @returns how many threads have it now; 0 where they were running before, or cannot be told from others
 */
export function lowerPoolPriority(): number {
  try {
    const before = new Set(readdirSync(THREADS));
    readFile('/dev/null', () => undefined);
    const started = readdirSync(THREADS).filter((thread) => !before.has(thread));
    for (const thread of started) setPriority(Number(thread), NICENESS);
    return started.length;
  } catch {
    return 0;
  }
}
