// Ports that objects of a release name against those that its containers open, and those against the programs' settings.

import type { Container, Manifest } from './manifests';

/** The setting behind each port of a container, by the port's name. */
const SETTINGS: Readonly<Record<string, string>> = {
  grpc: 'AUTOMED_ADDRESS',
  metrics: 'AUTOMED_METRICS_ADDRESS',
  health: 'AUTOMED_HEALTH_ADDRESS',
  http: 'AUTOMED_HTTP_ADDRESS',
  dicom: 'AUTOMED_PACS_PORT',
};

type Labels = Record<string, string>;
type Port = number | string;

interface Pod {
  name: string;
  labels: Labels;
  container: Container;
}

interface Peer {
  podSelector?: { matchLabels?: Labels };
  namespaceSelector?: object;
  ipBlock?: object;
}
interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { port: Port }[];
}
/** Fields of the objects below, by their kinds. */
interface Spec {
  selector?: Labels & { matchLabels?: Labels };
  podSelector?: { matchLabels?: Labels };
  ports?: { port: number; targetPort?: Port }[];
  ingress?: Rule[];
  egress?: Rule[];
  podMetricsEndpoints?: { port: string; path: string }[];
  endpoints?: { port: string; path: string }[];
  rules?: { backendRefs?: { name: string; port: number }[]; http?: { paths: IngressPath[] } }[];
}
interface IngressPath {
  backend: { service: { name: string; port: { number?: number; name?: string } } };
}

/** One sentence for each port that does not lead anywhere. */
export function portProblems(manifests: readonly Manifest[]): string[] {
  const pods = manifests
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ metadata, spec: { template } }) => ({
      name: metadata.name,
      labels: template.metadata.labels,
      container: template.spec.containers[0] as Container,
    }));
  return [...pods.flatMap(containerProblems), ...manifests.flatMap((each) => objectProblems(each, pods, manifests))];
}

function containerProblems({ name, container }: Pod): string[] {
  const problems: string[] = [];
  for (const { name: port, containerPort } of container.ports) {
    const setting = SETTINGS[port] ?? '';
    const address = container.env.find((each) => each.name === setting)?.value ?? '';
    if (address !== String(containerPort) && !address.endsWith(`:${containerPort}`))
      problems.push(`${name}: port ${port} is ${containerPort}, ${setting} says ${address}`);
  }
  const health = container.ports.find((port) => port.name === 'health')?.containerPort;
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const { grpc } = container[probe] as { grpc: { port: number } };
    if (grpc.port !== health) problems.push(`${name}: ${probe} asks port ${grpc.port}, health is on ${health}`);
  }
  return problems;
}

const fits = (selector: Labels | undefined, { labels }: Pod): boolean =>
  Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);

const opens = ({ container }: Pod, port: Port): boolean =>
  container.ports.some(({ name, containerPort }) => name === port || containerPort === port);

function objectProblems(
  { kind, metadata: { name }, spec: any }: Manifest,
  pods: readonly Pod[],
  all: readonly Manifest[],
): string[] {
  const spec = any as unknown as Spec;
  const where = `${kind} ${name}`;
  const unopened = (chosen: readonly Pod[], ports: readonly Port[]): string[] =>
    ports
      .filter((port) => !chosen.every((pod) => opens(pod, port)))
      .map((port) => `${where}: port ${port} is not open`);
  if (kind === 'Service') {
    const ports = (spec.ports ?? []).map(({ port, targetPort }) => targetPort ?? port);
    return unopened(
      pods.filter((pod) => fits(spec.selector, pod)),
      ports,
    );
  }
  if (kind === 'PodMonitor') {
    const ends = spec.podMetricsEndpoints ?? [];
    const paths = ends.filter(({ path }) => path !== '/metrics').map(({ path }) => `${where}: nothing answers ${path}`);
    const chosen = pods.filter((pod) => fits(spec.selector?.matchLabels, pod));
    return [
      ...paths,
      ...unopened(
        chosen,
        ends.map(({ port }) => port),
      ),
    ];
  }
  if (kind === 'ServiceMonitor') {
    const services = all.filter(
      (each) =>
        each.kind === 'Service' &&
        Object.entries(spec.selector?.matchLabels ?? {}).every(([key, value]) => each.metadata.labels[key] === value),
    );
    if (services.length === 0) return [`${where}: there is no such Service`];
    return (spec.endpoints ?? []).flatMap(({ port, path }) => [
      ...(path === '/metrics' ? [] : [`${where}: nothing answers ${path}`]),
      ...(services.every(({ metadata }) => offersPort(all, metadata.name, port))
        ? []
        : [`${where}: no Service has port ${port}`]),
    ]);
  }
  if (kind === 'NetworkPolicy') {
    const inward = (spec.ingress ?? []).flatMap(({ ports = [] }) => ports.map(({ port }) => port));
    const outward = (spec.egress ?? []).flatMap(({ to = [], ports = [] }) =>
      to
        // Addresses and other namespaces are not of the release.
        .filter(({ namespaceSelector, ipBlock }) => !namespaceSelector && !ipBlock)
        .flatMap(({ podSelector }) =>
          unopened(
            pods.filter((pod) => fits(podSelector?.matchLabels, pod)),
            ports.map(({ port }) => port),
          ),
        ),
    );
    return [
      ...unopened(
        pods.filter((pod) => fits(spec.podSelector?.matchLabels, pod)),
        inward,
      ),
      ...outward,
    ];
  }
  if (kind === 'GRPCRoute' || kind === 'Ingress') {
    const backends = (spec.rules ?? []).flatMap(({ backendRefs = [], http }) => [
      ...backendRefs,
      ...(http?.paths ?? []).map(({ backend: { service } }) => ({
        name: service.name,
        port: service.port.number ?? service.port.name ?? '',
      })),
    ]);
    return backends
      .filter(({ name: service, port }) => !offersPort(all, service, port))
      .map(({ name: service, port }) => `${where}: there is no ${service}:${port}`);
  }
  return [];
}

function offersPort(manifests: readonly Manifest[], service: string, port: Port): boolean {
  return manifests.some(({ kind, metadata, spec }) => {
    const ports = (spec as unknown as { ports?: { name: string; port: number }[] } | undefined)?.ports ?? [];
    return (
      kind === 'Service' && metadata.name === service && ports.some((each) => each.port === port || each.name === port)
    );
  });
}
