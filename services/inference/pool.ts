// Imported before anything else: other modules use libuv's pool while they are loaded.

import { lowerPoolPriority } from '../common/niceness';

/** Threads of the pool that have a lower priority than the engine's. */
export const poolThreads = lowerPoolPriority();
