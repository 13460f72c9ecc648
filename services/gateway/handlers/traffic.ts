// What the gateway has counted, as its metrics have it.

import type { Registry } from 'prom-client';
import type { CanaryTraffic } from '../../../proto/gen/automed/gateway/v1/CanaryTraffic';
import type { GetTrafficResponse } from '../../../proto/gen/automed/gateway/v1/GetTrafficResponse';
import type { MethodTraffic } from '../../../proto/gen/automed/gateway/v1/MethodTraffic';
import type { Replica } from '../../../proto/gen/automed/gateway/v1/Replica';
import type { ShadowTraffic } from '../../../proto/gen/automed/gateway/v1/ShadowTraffic';

type Labels = Partial<Record<string, string | number>>;

interface Value {
  value: number;
  labels: Labels;
  metricName?: string;
}

/** Values of metrics by the name of the metric; a scrape of the registry. */
class Scrape {
  private constructor(private readonly metrics: ReadonlyMap<string, readonly Value[]>) {}

  static async of(registry: Registry): Promise<Scrape> {
    const metrics = await registry.getMetricsAsJSON();
    return new Scrape(new Map(metrics.map(({ name, values }) => [name, values as Value[]])));
  }

  values(name: string): readonly Value[] {
    return this.metrics.get(name) ?? [];
  }

  /** @param part of a histogram, `sum`, `count` or `bucket` */
  part(name: string, part: string): readonly Value[] {
    return this.values(name).filter(({ metricName }) => metricName === `${name}_${part}`);
  }
}

const sum = (values: readonly Value[], wanted: Labels = {}): number =>
  values
    .filter(({ labels }) => Object.entries(wanted).every(([name, value]) => labels[name] === value))
    .reduce((all, { value }) => all + value, 0);

const distinct = (values: readonly Value[], label: string): string[] =>
  [...new Set(values.map(({ labels }) => String(labels[label] ?? '')))].sort();

export async function trafficOf(registry: Registry): Promise<GetTrafficResponse> {
  const scrape = await Scrape.of(registry);
  return {
    replicas: replicasOf(scrape),
    methods: methodsOf(scrape),
    canaries: canariesOf(scrape),
    shadows: shadowsOf(scrape),
    ejectionCount: sum(scrape.values('automed_gateway_ejections_total')),
  };
}

function replicasOf(scrape: Scrape): Replica[] {
  const found = new Map<string, { backend: string; member: string; serving: string[]; notServing: string[] }>();
  for (const { labels, value } of scrape.values('automed_gateway_backend_serving')) {
    const member = String(labels.member);
    const replica = found.get(member) ?? { backend: String(labels.backend), member, serving: [], notServing: [] };
    (value === 1 ? replica.serving : replica.notServing).push(String(labels.service));
    found.set(member, replica);
  }
  return [...found.values()].sort((a, b) => (a.member < b.member ? -1 : 1));
}

const SECONDS = 'automed_grpc_request_seconds';

function methodsOf(scrape: Scrape): MethodTraffic[] {
  const calls = scrape.values('automed_grpc_requests_total');
  const open = scrape.values('automed_grpc_requests_in_flight');
  const names = new Set([...calls, ...open].map(({ labels }) => `${labels.service}/${labels.method}`));
  return [...names].sort().map((name) => {
    const [service = '', method = ''] = name.split('/');
    const of = { service, method };
    const callCount = sum(calls, of);
    const p95Seconds = boundOf(scrape.part(SECONDS, 'bucket'), of, 0.95);
    return {
      method: name,
      inFlightCount: sum(open, of),
      callCount,
      errorCount: callCount - sum(calls, { ...of, code: 'OK' }),
      meanSeconds: sum(scrape.part(SECONDS, 'sum'), of) / Math.max(1, sum(scrape.part(SECONDS, 'count'), of)),
      ...(p95Seconds === undefined ? {} : { p95Seconds }),
    };
  });
}

/** The least bound of a histogram that a share of the values lies below; undefined where that is infinity. */
function boundOf(buckets: readonly Value[], of: Labels, share: number): number | undefined {
  const all = sum(buckets, { ...of, le: '+Inf' });
  const bounds = [...new Set(buckets.map(({ labels }) => labels.le))].filter((le) => typeof le === 'number');
  return bounds.sort((a, b) => a - b).find((le) => all > 0 && sum(buckets, { ...of, le }) >= share * all);
}

function canariesOf(scrape: Scrape): CanaryTraffic[] {
  const calls = scrape.values('automed_gateway_split_total');
  const fallbacks = scrape.values('automed_gateway_fallbacks_total');
  return distinct(calls, 'model').map((model) => ({
    model,
    callCount: sum(calls, { model }),
    fallbackCount: sum(fallbacks, { model }),
  }));
}

function shadowsOf(scrape: Scrape): ShadowTraffic[] {
  const calls = scrape.values('automed_gateway_shadow_calls_total');
  const mean = (name: string, of: Labels): number | undefined => {
    const count = sum(scrape.part(name, 'count'), of);
    return count === 0 ? undefined : sum(scrape.part(name, 'sum'), of) / count;
  };
  return distinct(calls, 'model').map((model) => {
    const agreement = mean('automed_gateway_shadow_agreement', { model });
    const candidateSeconds = mean('automed_gateway_shadow_seconds', { model, of: 'candidate' });
    const currentSeconds = mean('automed_gateway_shadow_seconds', { model, of: 'current' });
    return {
      model,
      outcomes: calls
        .filter(({ labels }) => labels.model === model)
        .map(({ labels, value }) => ({ name: String(labels.outcome), count: value })),
      ...(agreement === undefined ? {} : { agreement }),
      ...(candidateSeconds === undefined ? {} : { candidateSeconds }),
      ...(currentSeconds === undefined ? {} : { currentSeconds }),
    };
  });
}
