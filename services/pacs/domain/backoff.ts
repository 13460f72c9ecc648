import type { Site } from '../../pacs-site/schema';

export interface RetryPolicy {
  /** Attempts until work is given up. */
  attempts: number;
  firstMs: number;
  longestMs: number;
}

export function policyOf({ attempts, first_seconds, longest_seconds }: Site['delivery']): RetryPolicy {
  return { attempts, firstMs: first_seconds * 1000, longestMs: longest_seconds * 1000 };
}

/** Doubling waits, each drawn from its upper half, so that what failed together does not come back together. */
export function waitMs({ firstMs, longestMs }: RetryPolicy, attempts: number, random = Math.random): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempts - 1, 40));
  return Math.round(full * (0.5 + 0.5 * random()));
}
