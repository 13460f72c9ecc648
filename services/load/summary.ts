// How the calls of a run ended: percentiles of an HDR histogram, and errors by gRPC status.

import { createHistogram } from 'node:perf_hooks';
import { status as Code } from '@grpc/grpc-js';
import { GRPC_CODE_OF } from '../common/grpc/status';
import type { CallOutcome } from './open-loop';

const PERCENTILES = [50, 90, 95, 99, 99.9] as const;
/** The longest latency that the histogram tells from others: a day. */
const LONGEST_US = 24 * 3_600_000_000;

/** Milliseconds, to three significant digits. */
export interface Latencies {
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  'p99.9': number;
  max: number;
}

export interface LoadSummary {
  calls: number;
  answered: number;
  /** Answers per second of the time in which calls arrived. */
  answeredPerSecond: number;
  /** Of answered calls, from when each was due; null when there are none. */
  latencyMs: Latencies | null;
  /** Of all calls, from when each was due until it was sent: large values mean that the generator could not keep up. */
  lateMs: Latencies | null;
  /** Calls that failed, by gRPC status and by the reason in its details, e.g. `RESOURCE_EXHAUSTED` of `QUEUE_FULL`. */
  errors: { status: string; reason: string; count: number }[];
}

/** @param durationMs in which calls arrived */
export function summarise(outcomes: readonly CallOutcome[], durationMs: number): LoadSummary {
  const answered = outcomes.filter(({ error }) => error === undefined);
  return {
    calls: outcomes.length,
    answered: answered.length,
    answeredPerSecond: (answered.length * 1000) / durationMs,
    latencyMs: latencies(answered.map(({ latencyMs }) => latencyMs)),
    lateMs: latencies(outcomes.map(({ lateMs }) => lateMs)),
    errors: errorsOf(outcomes),
  };
}

function latencies(valuesMs: readonly number[]): Latencies | null {
  if (valuesMs.length === 0) return null;
  const histogram = createHistogram({ lowest: 1, highest: LONGEST_US, figures: 3 });
  for (const ms of valuesMs) histogram.record(Math.min(LONGEST_US, Math.max(1, Math.round(ms * 1000))));
  const at = (percentile: number): [string, number] => [`p${percentile}`, histogram.percentile(percentile) / 1000];
  return {
    mean: histogram.mean / 1000,
    ...(Object.fromEntries(PERCENTILES.map(at)) as Omit<Latencies, 'mean' | 'max'>),
    max: histogram.max / 1000,
  };
}

function errorsOf(outcomes: readonly CallOutcome[]): LoadSummary['errors'] {
  const counts = new Map<string, number>();
  for (const { error } of outcomes) {
    if (error) counts.set(error.code, (counts.get(error.code) ?? 0) + 1);
  }
  return [...counts]
    .map(([reason, count]) => ({ status: Code[GRPC_CODE_OF[reason as keyof typeof GRPC_CODE_OF]], reason, count }))
    .sort((a, b) => b.count - a.count);
}
