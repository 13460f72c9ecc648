// What runs and how it is: from the API of a gateway, and from the metrics of the programs that can be reached.

import { status as Code } from '@grpc/grpc-js';
import type { GetStatusResponse__Output } from '../../proto/gen/automed/pacs/v1/GetStatusResponse';
import { AutomedError, type AutomedClient } from '../client';
import type { ServingStatus } from '../common/grpc/health';
import { stateOf } from '../terminal/state';
import type { Sample } from './metrics-text';
import {
  backendsOf,
  programOf,
  scrape,
  trafficOf,
  type BackendStatus,
  type ProgramStatus,
  type TrafficStatus,
} from './programs';

export interface ModelStatus {
  /** `name@version` */
  model: string;
  aliases: string[];
  /** Whether the replica that answered holds it in memory. */
  loaded: boolean;
}

export interface Status {
  healthy: boolean;
  /** What is not well, one sentence each. */
  problems: string[];
  gateway: { address: string; health: ServingStatus };
  backends: BackendStatus[];
  programs: ProgramStatus[];
  /** Absent where no metrics of a gateway can be read. */
  traffic?: TrafficStatus | undefined;
  /** Absent, as the following, where the gateway does not offer it, or not to this caller. */
  models?: ModelStatus[] | undefined;
  /** The newest training jobs by state. */
  jobs?: Record<string, number> | undefined;
  pacs?: GetStatusResponse__Output | undefined;
}

const MOST_JOBS = 1_000;

/** @param metrics `host:port` of /metrics of programs */
export async function collectStatus(
  client: AutomedClient,
  address: string,
  metrics: readonly string[],
): Promise<Status> {
  const problems: string[] = [];
  const asked = async <T>(what: string, ask: Promise<T>): Promise<T | undefined> =>
    ask.catch((error: unknown) => {
      if (!isNotOffered(error)) problems.push(`${what}: ${(error as Error).message}`);
      return undefined;
    });
  const [health, scraped, models, jobs, pacs] = await Promise.all([
    client.health.check(),
    Promise.all(
      metrics.map((at) =>
        asked(
          'metrics',
          scrape(at).then((samples) => ({ at, samples })),
        ),
      ),
    ),
    asked('models', modelsOf(client)),
    asked('jobs', jobsOf(client)),
    asked('PACS bridge', client.pacs.status()),
  ]);
  const found = scraped.flatMap((each) => each ?? []);
  const gateway: Sample[] = found.flatMap(({ at, samples }) =>
    programOf(samples, at).program === 'gateway' ? samples : [],
  );
  const backends = backendsOf(gateway);
  if (health !== 'SERVING') problems.unshift(`the gateway is ${health}`);
  for (const { member, notServing } of backends)
    if (notServing.length > 0) problems.push(`${member} does not serve ${notServing.map(shortName).join(', ')}`);
  problems.push(...pacsProblems(pacs));
  return {
    healthy: problems.length === 0,
    problems,
    gateway: { address, health },
    backends,
    programs: found.map(({ at, samples }) => programOf(samples, at)),
    traffic: gateway.length === 0 ? undefined : trafficOf(gateway),
    models,
    jobs,
    pacs,
  };
}

/** `SegmentationService` of `automed.segmentation.v1.SegmentationService`. */
export const shortName = (service: string): string => service.split('.').at(-1) ?? service;

/**
 * A gateway without a route to a service, or without a backend that has it, says so; counts and lists are never not found.
 * What this caller may not ask is no trouble of the programs.
 */
function isNotOffered(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: number } };
  return (
    error instanceof AutomedError &&
    (cause?.code === Code.UNIMPLEMENTED || error.code === 'NOT_FOUND' || error.code === 'PERMISSION_DENIED')
  );
}

async function modelsOf(client: AutomedClient): Promise<ModelStatus[]> {
  const models: ModelStatus[] = [];
  for await (const { name, version, aliases, loaded } of client.models.list())
    models.push({ model: `${name}@${version}`, aliases, loaded });
  return models;
}

async function jobsOf(client: AutomedClient): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let left = MOST_JOBS;
  for await (const job of client.trainingJobs.list()) {
    const state = stateOf(job);
    counts[state] = (counts[state] ?? 0) + 1;
    if ((left -= 1) === 0) break;
  }
  return counts;
}

function pacsProblems(pacs: GetStatusResponse__Output | undefined): string[] {
  if (!pacs) return [];
  const full = pacs.hasRoom ? [] : ['the PACS bridge has no room: senders are refused'];
  const away = pacs.awayDestinations.map((name) => `the PACS destination ${name} does not answer`);
  return [...full, ...away];
}
