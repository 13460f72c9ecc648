import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { environmentName } from '../../services/common/config';
import { gatewaySettings } from '../../services/gateway/config';
import { inferenceSettings } from '../../services/inference/config';
import { trainingSettings } from '../../services/training/config';
import { healthClient } from '../support/health';
import { startProgram, type Program } from '../support/stack';
import { makeStore } from '../support/stack-store';
import { parseManifests, problemsOf, type Container, type Manifest } from './manifests';
import { CHART, helm, installTools } from './tools';

jest.setTimeout(600_000);

const folder = mkdtempSync(join(tmpdir(), 'automed-chart-'));
beforeAll(() => installTools());
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
/** Renders the chart as `helm install automed --namespace imaging` would. */
function render(values: object = {}): Manifest[] {
  const file = join(folder, `values-${(files += 1)}.json`);
  writeFileSync(file, JSON.stringify({ insecure: true, ...values }));
  return parseManifests(helm('template', 'automed', CHART, '--namespace', 'imaging', '--values', file));
}

const egress = [{ ports: [{ port: 443 }] }];
const MATRIX: Readonly<Record<string, object>> = {
  defaults: {},
  minimal: {
    gateway: { replicas: 1 },
    inference: { mode: 'together', replicas: 1 },
    training: { enabled: false },
    networkPolicy: { enabled: false },
    serviceAccount: { create: false, name: 'own' },
    store: { existingClaim: 'models' },
  },
  gpu: {
    inference: {
      gpu: { enabled: true, count: 2, runtimeClassName: 'nvidia' },
      nodeSelector: { gpu: 'h200' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
      priorityClassName: 'clinical',
    },
    training: { gpu: { enabled: true } },
  },
  'training as jobs': {
    training: { launcher: 'kubernetes', ranks: { gpus: 1, nodeSelector: { pool: 'gpu' } } },
    dataVolumes: [{ name: 'studies', claim: 'studies', path: '/data/studies' }],
    networkPolicy: { trainingEgress: egress },
  },
  autoscaling: {
    gateway: { autoscaling: { enabled: true } },
    inference: { autoscaling: { enabled: true, queuedImages: 4 } },
    monitoring: { podMonitor: { enabled: true }, rules: { enabled: true }, dashboard: { enabled: true } },
  },
  keda: { inference: { keda: { enabled: true } } },
  'from outside': {
    grpcRoute: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['automed.example.org'] },
    ingress: { enabled: true, host: 'automed.example.org', tlsSecret: 'automed-tls' },
    networkPolicy: {
      gatewayFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'pacs' } } }],
      metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    },
  },
  secure: {
    insecure: false,
    gateway: { http: true },
    auth: {
      keysSecret: 'automed-keys',
      jwt: { jwks: 'https://id.example.org/jwks', issuer: 'https://id.example.org' },
      policy: { roles: { clinic: [{ methods: ['automed.segmentation.v1.*'], models: ['polyp*'] }] } },
    },
    tls: { gatewaySecret: 'automed-tls', internalSecret: 'automed-internal' },
    networkPolicy: { gatewayEgress: egress },
  },
  canary: {
    gateway: {
      routes: [
        {
          model: 'polyp',
          backends: [
            { address: 'dns:stable:50052', weight: 9 },
            { address: 'dns:next:50052', weight: 1 },
          ],
        },
        { service: '*', backends: ['dns:stable:50052'] },
      ],
      env: { AUTOMED_MAX_CONCURRENT_STREAMS: '500' },
    },
  },
};

const deployments = (manifests: Manifest[]): Manifest[] => manifests.filter(({ kind }) => kind === 'Deployment');
const containerOf = (deployment: Manifest): Container => deployment.spec.template.spec.containers[0] as Container;
const componentOf = (deployment: Manifest): string => String(deployment.metadata.labels['app.kubernetes.io/component']);
const settingOf = (container: Container, name: string): string | undefined =>
  container.env.find((each) => each.name === name)?.value;

test('helm lint finds nothing', () => {
  expect(helm('lint', CHART, '--strict', '--set', 'insecure=true')).toContain('0 chart(s) failed');
});

describe.each(Object.keys(MATRIX))('values: %s', (name) => {
  const manifests = (): Manifest[] => render(MATRIX[name]);

  test('every object is what Kubernetes and its operators take', async () => {
    expect((await Promise.all(manifests().map(problemsOf))).flat()).toEqual([]);
  });

  test('every pod is restricted, bounded, probed, and ends after its drain', () => {
    for (const deployment of deployments(manifests())) {
      const pod = deployment.spec.template.spec;
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.automountServiceAccountToken).toBe(
        componentOf(deployment) === 'training' && name === 'training as jobs',
      );
      const container = containerOf(deployment);
      expect(container['securityContext']).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container['resources']).toMatchObject({ limits: { cpu: expect.anything(), memory: expect.anything() } });
      const health = container.ports.find((port) => port.name === 'health')?.containerPort;
      for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
        expect(container[probe]).toMatchObject({ grpc: { port: health } });
      }
      const drainMs = Number(settingOf(container, 'AUTOMED_SHUTDOWN_TIMEOUT_MS'));
      expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(drainMs + 5_000);
    }
  });

  test('selectors, services, scalers and budgets meet the pods that they are for', () => {
    const all = manifests();
    const pods = deployments(all).map((each) => each.spec.template.metadata.labels);
    const matching = (selector: Record<string, string>): number =>
      pods.filter((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value)).length;
    for (const { kind, spec } of all) {
      if (kind === 'Deployment' || kind === 'PodDisruptionBudget')
        expect(matching(spec.selector?.matchLabels ?? {})).toBe(1);
      if (kind === 'Service') expect(matching(spec.selector ?? {})).toBe(1);
      if (kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject') {
        const target = spec.scaleTargetRef.name;
        const deployment = deployments(all).find(({ metadata }) => metadata.name === target);
        // Its owner alone sets the number.
        expect(deployment?.spec.replicas).toBeUndefined();
        expect(deployment).toBeDefined();
      }
    }
  });

  test('every setting is one of its program, and every number is whole', () => {
    const schemas = { gateway: gatewaySettings, inference: inferenceSettings, training: trainingSettings };
    for (const deployment of deployments(manifests())) {
      const container = containerOf(deployment);
      const schema = schemas[container.name as keyof typeof schemas];
      const known = Object.keys(schema.shape).map(environmentName);
      for (const { name: variable, value } of container.env) {
        if (variable !== 'OMP_NUM_THREADS') expect(known).toContain(variable);
        expect(value ?? '').not.toMatch(/\de\+\d/);
      }
    }
  });
});

test('values that cannot work are refused with what to do', () => {
  const refused = (values: object): string => {
    try {
      render(values);
    } catch (error) {
      return String((error as { stderr?: Buffer }).stderr);
    }
    throw new Error('was rendered');
  };
  expect(refused({ insecure: false })).toContain('auth.keysSecret');
  expect(refused({ insecure: false, auth: { keysSecret: 'k' } })).toContain('tls.gatewaySecret');
  expect(refused({ auth: { jwt: { jwks: 'https://x' } } })).toContain('auth.jwt.issuer');
  const provider = { auth: { jwt: { jwks: 'https://x', issuer: 'x' } } };
  expect(refused(provider)).toContain('networkPolicy.gatewayEgress');
  expect(refused({ inference: { mode: 'both' } })).toContain('/inference/mode');
  expect(refused({ inference: { replica: 3 } })).toContain("additional properties 'replica' not allowed");
  expect(refused({ training: { launcher: 'kubernetes' } })).toContain('networkPolicy.trainingEgress');
  const both = { inference: { autoscaling: { enabled: true }, keda: { enabled: true } } };
  expect(refused(both)).toContain('enable one of them');
});

test('a manifest with an unknown field, a wrong type or a missing field is found', async () => {
  const broken = (change: (container: Container, spec: Manifest['spec']) => void) => {
    const deployment = deployments(render())[0] as Manifest;
    change(containerOf(deployment), deployment.spec);
    return problemsOf(deployment);
  };
  expect(await broken((container) => (container['readynessProbe'] = {}))).toEqual([
    expect.stringContaining('readynessProbe does not exist'),
  ]);
  expect(await broken((_, spec) => (spec.replicas = 'two'))).toHaveLength(1);
  expect(await broken((_, spec) => delete spec.selector)).toHaveLength(1);
});

test('with keys and TLS every file that a program is told of is mounted, and nothing is insecure', () => {
  for (const deployment of deployments(render(MATRIX['secure']))) {
    const container = containerOf(deployment);
    expect(settingOf(container, 'AUTOMED_INSECURE')).toBe('false');
    const mounts = (container['volumeMounts'] as { name: string; mountPath: string }[]).map((mount) => mount.mountPath);
    const files = container.env.filter(({ name }) => name.endsWith('_FILE')).map(({ value }) => value ?? '');
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const file of files) expect(mounts).toContain(dirname(file));
    const volumes = (deployment.spec.template.spec as unknown as { volumes: { name: string }[] }).volumes;
    expect(volumes.map(({ name }) => name).sort()).toEqual(
      (container['volumeMounts'] as { name: string }[]).map(({ name }) => name).sort(),
    );
  }
});

describe('the programs, started with what the chart tells them', () => {
  const programs: Program[] = [];
  afterAll(async () => void (await Promise.all(programs.map((program) => program.stop()))));

  /** A pod's environment with this machine's paths and addresses. */
  function environmentOf(component: string, changed: Record<string, string>): Record<string, string> {
    const deployment = deployments(render()).find((each) => componentOf(each) === component);
    const given = containerOf(deployment as Manifest).env.filter(({ value }) => value !== undefined);
    const addresses = { AUTOMED_ADDRESS: '127.0.0.1:0', AUTOMED_METRICS_ADDRESS: '127.0.0.1:0' };
    return { ...Object.fromEntries(given.map(({ name, value }) => [name, value ?? ''])), ...addresses, ...changed };
  }

  async function probe(socket: string, service: string): Promise<string> {
    const { check, close } = healthClient(socket);
    return check(service).finally(close);
  }

  test('they answer their probes, and offer every metric that alerts, dashboard and scalers name', async () => {
    const home = join(folder, 'store');
    await makeStore(home);
    const health = (name: string): string => `unix:${join(folder, `${name}.sock`)}`;
    const start = async (component: string, program: string, changed: Record<string, string>): Promise<Program> => {
      const environment = environmentOf(component, { AUTOMED_HEALTH_ADDRESS: health(component), ...changed });
      const running = await startProgram(program, environment);
      programs.push(running);
      return running;
    };
    const [segmentation, training] = await Promise.all([
      start('segmentation', 'inference', { AUTOMED_HOME: home }),
      start('training', 'training', { AUTOMED_HOME: home }),
    ]);
    await start('gateway', 'gateway', {
      AUTOMED_SEGMENTATION_BACKENDS: segmentation.address,
      AUTOMED_CLASSIFICATION_BACKENDS: segmentation.address,
      AUTOMED_TRAINING_BACKENDS: training.address,
    });
    for (const component of ['segmentation', 'training', 'gateway']) {
      expect([await probe(health(component), ''), await probe(health(component), 'liveness')]).toEqual([
        'SERVING',
        'SERVING',
      ]);
    }

    const offered = new Set<string>();
    for (const { metricsAddress } of programs) {
      const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
      for (const [, metric] of text.matchAll(/^# TYPE (\S+)/gm)) offered.add(metric as string);
    }
    const named = namedMetrics();
    expect(named.size).toBeGreaterThan(15);
    expect([...named].filter((metric) => !offered.has(metric.replace(/_(bucket|sum|count)$/, '')))).toEqual([]);
  });

  /** Metrics in the expressions of alerts, dashboard and scalers. */
  function namedMetrics(): Set<string> {
    const alerts = parse(readFileSync(join(CHART, 'files', 'alerts.yaml'), 'utf8')) as {
      groups: { rules: { expr: string }[] }[];
    };
    const dashboard = JSON.parse(readFileSync(join(CHART, 'files', 'dashboard.json'), 'utf8')) as {
      panels: { targets: { expr: string }[] }[];
    };
    const scalers = [...render(MATRIX['keda']), ...render(MATRIX['autoscaling'])].filter(({ kind }) =>
      ['ScaledObject', 'HorizontalPodAutoscaler'].includes(kind),
    );
    const expressions = [
      ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...scalers.map((scaler) => JSON.stringify(scaler.spec)),
    ];
    const names = /\b(?:automed|process|nodejs)_[a-z0-9_]+/g;
    return new Set(expressions.flatMap((expression) => expression.match(names) ?? []));
  }
});
