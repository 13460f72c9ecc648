// Which threads give way where there are more of them than processors: models come first, since it is their answers that calls wait for.

import { readdirSync, readFile } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** A quarter of a processor that a thread of normal priority wants too, all of one that nobody else wants. */
const NICENESS = 5;
const THREADS = '/proc/self/task';

/**
 * Gives the threads of libuv's pool a lower priority than the rest of the process (Linux, where each thread has its own). They decode
 * images and compress masks, up to four at once: as much of the processors as models get, and the answer to every image of a burst
 * would wait for the decoding of those behind it. To be called before anything uses the pool: all its threads start with its first job.
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

/**
 * Lets this process' work give way, as that of the pool, for a program that decodes images and does nothing else. Not for one that
 * refuses calls: where models take every core it falls behind, and works on calls that are late already.
 */
export function giveWay(): void {
  try {
    setPriority(Math.max(getPriority(), NICENESS));
  } catch {
    // Where the system does not allow it, all are equal.
  }
}
