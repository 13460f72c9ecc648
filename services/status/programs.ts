// What the metrics of each program say of it.

import { parseMetrics, samplesOf, sumOf, type Sample } from './metrics-text';

/** Weights in memory. */
export interface Weights {
  kind: string;
  name: string;
  bytes: number;
}

/** One process, as its metrics tell. */
export interface ProgramStatus {
  program: string;
  /** `host:port` of /metrics. */
  metrics: string;
  residentBytes?: number | undefined;
  eventLoopLagSeconds?: number | undefined;
  requestsInFlight: number;
  /** Of an inference program. */
  queuedImages?: number | undefined;
  predictedWaitSeconds?: number | undefined;
  weights: Weights[];
  /** Of a training program. */
  oldestJobWaitSeconds?: number | undefined;
}

export interface BackendStatus {
  backend: string;
  member: string;
  serving: string[];
  notServing: string[];
}

/** What a gateway does beside passing calls on. */
export interface TrafficStatus {
  ejections: number;
  splits: { model: string; calls: number; fallbacks: number }[];
  shadows: ShadowStatus[];
}

export interface ShadowStatus {
  model: string;
  /** Copies by what became of them. */
  outcomes: Record<string, number>;
  /** Mean, `[0, 1]`; absent before the first. */
  agreement?: number | undefined;
  candidateSeconds?: number | undefined;
  currentSeconds?: number | undefined;
}

const TIMEOUT_MS = 5_000;

/** Asks a program for its metrics. @throws Error in one sentence */
export async function scrape(address: string): Promise<Sample[]> {
  const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => {
    throw new Error(`nobody answers for metrics at ${address}`);
  });
  if (!answer.ok) throw new Error(`${address} has no metrics: HTTP ${answer.status}`);
  return parseMetrics(await answer.text());
}

export function programOf(samples: readonly Sample[], metrics: string): ProgramStatus {
  return {
    program: samples.find(({ labels }) => labels.program !== undefined)?.labels.program ?? '',
    metrics,
    residentBytes: sumOf(samples, 'process_resident_memory_bytes'),
    eventLoopLagSeconds: sumOf(samples, 'nodejs_eventloop_lag_p99_seconds'),
    requestsInFlight: sumOf(samples, 'automed_grpc_requests_in_flight') ?? 0,
    queuedImages: sumOf(samples, 'automed_engine_queued_images'),
    predictedWaitSeconds: sumOf(samples, 'automed_predicted_wait_seconds'),
    weights: samplesOf(samples, 'automed_model_weights_bytes').map(({ labels, value: bytes }) => ({
      kind: labels.kind ?? '',
      name: labels.model ?? '',
      bytes,
    })),
    oldestJobWaitSeconds: sumOf(samples, 'automed_training_oldest_wait_seconds'),
  };
}

/** The backends that a gateway knows, by address. */
export function backendsOf(samples: readonly Sample[]): BackendStatus[] {
  const found = new Map<string, BackendStatus>();
  for (const { labels, value } of samplesOf(samples, 'automed_gateway_backend_serving')) {
    const { backend = '', member = '', service = '' } = labels;
    const status = found.get(member) ?? { backend, member, serving: [], notServing: [] };
    (value === 1 ? status.serving : status.notServing).push(service);
    found.set(member, status);
  }
  return [...found.values()];
}

export function trafficOf(samples: readonly Sample[]): TrafficStatus {
  const of = (name: string, wanted: Record<string, string>): number | undefined =>
    sumOf(
      samples.filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value)),
      name,
    );
  const models = (name: string): string[] => [
    ...new Set(samplesOf(samples, name).map(({ labels }) => labels.model ?? '')),
  ];
  const mean = (name: string, labels: Record<string, string>): number | undefined => {
    const count = of(`${name}_count`, labels) ?? 0;
    return count === 0 ? undefined : (of(`${name}_sum`, labels) ?? 0) / count;
  };
  return {
    ejections: sumOf(samples, 'automed_gateway_ejections_total') ?? 0,
    splits: models('automed_gateway_split_total').map((model) => ({
      model,
      calls: of('automed_gateway_split_total', { model }) ?? 0,
      fallbacks: of('automed_gateway_fallbacks_total', { model }) ?? 0,
    })),
    shadows: models('automed_gateway_shadow_calls_total').map((model) => ({
      model,
      outcomes: Object.fromEntries(
        samplesOf(samples, 'automed_gateway_shadow_calls_total')
          .filter(({ labels }) => labels.model === model)
          .map(({ labels, value }) => [labels.outcome ?? '', value]),
      ),
      agreement: mean('automed_gateway_shadow_agreement', { model }),
      candidateSeconds: mean('automed_gateway_shadow_seconds', { model, of: 'candidate' }),
      currentSeconds: mean('automed_gateway_shadow_seconds', { model, of: 'current' }),
    })),
  };
}
