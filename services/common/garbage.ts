import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface GarbageCollector {
  /** Of the young generation: a millisecond. */
  minor(): void;
  /** Of the whole heap: tens of milliseconds, in which nothing else runs. */
  major(): void;
}

/** V8's own `gc`, which contexts get that are made while its flag is set. */
export function garbageCollector(): GarbageCollector {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
  setFlagsFromString('--no-expose-gc');
  // With `type: 'major'` the V8 of Node 20 collects the young generation alone.
  return { minor: () => collect({ type: 'minor' }), major: () => collect() };
}
