// What backends said of their queues when they refused calls, so that more of the same kind is refused here, at no cost to them.

import { LRUCache } from 'lru-cache';

/** Kinds of calls that are remembered. */
const MAX_KINDS = 1_024;

interface Told {
  atMs: number;
  waitMs: number;
  /** From `atMs`: calls with less time are refused. */
  answerMs: number;
  /** From `atMs`: every call is refused. */
  fullMs: number;
}

/** A backend's refusal: when a call would have been answered, or for how long its queue is full. */
export interface Busy {
  waitMs: number;
  answerMs?: number | undefined;
  fullMs?: number | undefined;
}

/** A queue is worked off at the speed of the clock, so that what was told of it holds, less the time since. */
export class Saturation {
  private readonly told = new LRUCache<string, Told>({ max: MAX_KINDS });

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** @param kind of calls that cost about the same: backend, method, model */
  note(kind: string, { waitMs, answerMs = 0, fullMs = 0 }: Busy): void {
    this.told.set(kind, { atMs: this.clock(), waitMs, answerMs, fullMs });
  }

  /** What a call of this kind would wait, milliseconds, when it would be refused; else undefined. */
  waitMs(kind: string, remainingMs: number): number | undefined {
    const told = this.told.get(kind);
    if (!told) return undefined;
    const sinceMs = this.clock() - told.atMs;
    if (sinceMs > Math.max(told.answerMs, told.fullMs)) this.told.delete(kind);
    const refused = sinceMs < told.fullMs || remainingMs < told.answerMs - sinceMs;
    return refused ? Math.max(1, told.waitMs - sinceMs) : undefined;
  }
}
