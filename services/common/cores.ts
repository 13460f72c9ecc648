import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * Whole cores that this process may use: the CPU quota of its cgroup (version 2 or 1), not the cores of the node, and at
 * least 1. Kubernetes limits show here and nowhere else.
 */
export function availableCores(root = '/sys/fs/cgroup', fallback = availableParallelism()): number {
  const quota = quotaV2(root) ?? quotaV1(root);
  return Math.max(1, Math.floor(Math.min(quota ?? fallback, fallback)));
}

function quotaV2(root: string): number | undefined {
  const [quota, period] = (read(join(root, 'cpu.max')) ?? '').split(/\s+/).map(Number);
  return ratio(quota, period);
}

function quotaV1(root: string): number | undefined {
  const quota = Number(read(join(root, 'cpu', 'cpu.cfs_quota_us')) ?? NaN);
  const period = Number(read(join(root, 'cpu', 'cpu.cfs_period_us')) ?? NaN);
  return ratio(quota, period);
}

/** `max` and -1 mean no quota. */
function ratio(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
