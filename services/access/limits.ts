// How much each caller may ask for. Counted by every gateway for itself, and from nothing after a start; where several gateways share
// the limits each grants its part.

import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { automedError } from '../common/errors';
import { matchesAny } from '../common/glob';

export const limitSchema = z
  .object({
    /** Patterns of who calls, e.g. `key:pacs-*` or `user:*`. Each caller is counted alone. */
    callers: z.array(z.string().min(1)).min(1).default(['*']),
    /** Patterns of `package.Service/Method`; what they match is counted together. */
    methods: z.array(z.string().min(1)).min(1).default(['*']),
    /** Calls per second on average, `(0, inf)`. */
    perSecond: z.number().positive().optional(),
    /** Calls at once after a rest; default: those of one second, at least 1. */
    burst: z.number().int().min(1).optional(),
    /** Calls under way at a time; a stream is one. */
    concurrent: z.number().int().min(1).optional(),
    /** Calls per day of UTC. */
    perDay: z.number().int().min(1).optional(),
  })
  .strict();

export type Limit = z.infer<typeof limitSchema>;

/** Callers whose counts are kept; those that were silent for the longest are forgotten first. */
const MAX_COUNTED = 10_000;
/** When a caller with too many calls under way should come back, milliseconds: one of them may have ended. */
const CONCURRENT_RETRY_MS = 1_000;
const DAY_MS = 24 * 3_600_000;

interface Counts {
  tokens: number;
  refilledMs: number;
  underWay: number;
  day: number;
  today: number;
}

/** Counts calls against the limits of a policy. */
export class Limiter {
  private readonly counted = new LRUCache<string, Counts>({ max: MAX_COUNTED });

  /**
   * @param shares gateways that share the limits, `[1, inf)`
   * @param clock milliseconds since the epoch
   */
  constructor(
    private readonly shares = 1,
    private readonly clock: () => number = () => Date.now(),
  ) {}

  /**
   * Counts a call against every limit that concerns it, or against none when one is reached.
   * @returns what is to be called when it ends
   * @throws ResourceExhaustedError (LIMIT_EXCEEDED) with the time to come back
   */
  enter(limits: readonly Limit[], caller: string, method: string): () => void {
    const concerned = limits
      .filter(({ callers, methods }) => matchesAny(callers, caller) && matchesAny(methods, method))
      .map((whole) => {
        const limit = partOf(whole, this.shares);
        return { limit, counts: this.countsOf(limit, caller) };
      });
    for (const { limit, counts } of concerned) this.check(limit, counts);
    for (const { counts } of concerned) {
      counts.tokens -= 1;
      counts.underWay += 1;
      counts.today += 1;
    }
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      for (const { counts } of concerned) counts.underWay -= 1;
    };
  }

  private check(limit: Limit, counts: Counts): void {
    const { perSecond, concurrent, perDay } = limit;
    if (concurrent !== undefined && counts.underWay >= concurrent)
      throw exceeded(`${concurrent} call(s) at a time`, CONCURRENT_RETRY_MS);
    if (perDay !== undefined && counts.today >= perDay)
      throw exceeded(`${perDay} call(s) per day`, DAY_MS - (this.clock() % DAY_MS));
    if (perSecond !== undefined && counts.tokens < 1)
      throw exceeded(
        `${Number(perSecond.toPrecision(3))} call(s) per second`,
        ((1 - counts.tokens) / perSecond) * 1000,
      );
  }

  /** Kept by whom the limit is for, so that a policy with other numbers goes on counting. */
  private countsOf(limit: Limit, caller: string): Counts {
    const now = this.clock();
    const day = Math.floor(now / DAY_MS);
    const key = JSON.stringify([limit.callers, limit.methods, caller]);
    const burst = burstOf(limit);
    const counts = this.counted.get(key) ?? { tokens: burst, refilledMs: now, underWay: 0, day, today: 0 };
    this.counted.set(key, counts);
    const earned = (Math.max(0, now - counts.refilledMs) / 1000) * (limit.perSecond ?? 0);
    counts.tokens = Math.min(burst, counts.tokens + earned);
    counts.refilledMs = now;
    if (counts.day !== day) [counts.day, counts.today] = [day, 0];
    return counts;
  }
}

/** One gateway's part; of what cannot be divided each has one, which the docs say. */
function partOf(limit: Limit, shares: number): Limit {
  const { perSecond, burst: _, concurrent, perDay, ...of } = limit;
  const whole = (count: number): number => Math.max(1, Math.floor(count / shares));
  return {
    ...of,
    // The burst of all is divided: a burst of each part, rounded up, would add up to more.
    ...(perSecond === undefined ? {} : { perSecond: perSecond / shares, burst: whole(burstOf(limit)) }),
    ...(concurrent === undefined ? {} : { concurrent: whole(concurrent) }),
    ...(perDay === undefined ? {} : { perDay: whole(perDay) }),
  };
}

const burstOf = ({ burst, perSecond }: Limit): number => burst ?? Math.max(1, Math.ceil(perSecond ?? 1));

function exceeded(limit: string, retryMs: number): Error {
  const text = `More than this caller may ask for: at most ${limit}.`;
  return automedError('LIMIT_EXCEEDED', text, { retryAfterMs: Math.max(1, Math.ceil(retryMs)) });
}
