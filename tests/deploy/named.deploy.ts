// Every metric, label, port, flag and setting that the chart and the other files of deploy/ name, against running programs.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { buildProgram } from '../../services/cli/main';
import { environmentName } from '../../services/common/config';
import { gatewaySettings } from '../../services/gateway/config';
import { inferenceSettings } from '../../services/inference/config';
import { pacsSettings } from '../../services/pacs/config';
import { trainingSettings } from '../../services/training/config';
import { segmentationClient } from '../support/api-clients';
import { healthClient } from '../support/health';
import { GREY, png } from '../support/images';
import { startProgram, type Program } from '../support/stack';
import { makeStore } from '../support/stack-store';
import type { Container, Manifest } from './manifests';
import { metricProblems, readMetrics, type Asked } from './named-metrics';
import { portProblems } from './named-ports';
import { CHART, installTools } from './tools';
import { componentOf, containerOf, deployments, MATRIX, render } from './values';

jest.setTimeout(600_000);

const folder = mkdtempSync(join(tmpdir(), 'automed-named-'));
const programs: Program[] = [];
const offered = new Map<string, Map<string, Set<string>>>();
const healthOf = (component: string): string => `unix:${join(folder, `${component}.sock`)}`;

/** Starts a program with its pod's environment, on this machine's paths and ports. */
async function start(component: string, program: string, changed: Record<string, string>): Promise<Program> {
  const deployment = deployments(render()).find((each) => componentOf(each) === component) as Manifest;
  const given = containerOf(deployment).env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
  const running = await startProgram(program, {
    ...(Object.fromEntries(given) as Record<string, string>),
    AUTOMED_ADDRESS: '127.0.0.1:0',
    AUTOMED_METRICS_ADDRESS: '127.0.0.1:0',
    AUTOMED_HEALTH_ADDRESS: healthOf(component),
    ...changed,
  });
  programs.push(running);
  return running;
}

/** Answered and refused calls, so that metrics by label have series. */
async function use(address: string): Promise<void> {
  const client = segmentationClient(address);
  const image = { encoded: png(32, 32, GREY, 8, Buffer.alloc(32 * 32, 90)) };
  await client.unary('Segment', { model: 'polyp', image });
  await expect(client.unary('Segment', { model: 'nobody', image })).rejects.toThrow('nobody');
  client.close();
}

beforeAll(async () => {
  installTools();
  const home = join(folder, 'store');
  await (await makeStore(home)).addSegmentation('polyp');
  const [segmentation, training] = await Promise.all([
    start('segmentation', 'inference', { AUTOMED_HOME: home }),
    start('training', 'training', { AUTOMED_HOME: home }),
  ]);
  const gateway = await start('gateway', 'gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: segmentation.address,
    AUTOMED_CLASSIFICATION_BACKENDS: segmentation.address,
    AUTOMED_TRAINING_BACKENDS: training.address,
  });
  await use(gateway.address);
  for (const { metricsAddress } of programs) {
    readMetrics(await (await fetch(`http://${metricsAddress}/metrics`)).text(), offered);
  }
});

afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  rmSync(folder, { recursive: true });
});

interface Alerts {
  groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
}
interface Dashboard {
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
}
const alerts = parse(readFileSync(join(CHART, 'files', 'alerts.yaml'), 'utf8')) as Alerts;
const dashboard = JSON.parse(readFileSync(join(CHART, 'files', 'dashboard.json'), 'utf8')) as Dashboard;

interface Metric {
  type: string;
  pods: { metric: { name: string } };
}
/** Of scalers by metrics: a HorizontalPodAutoscaler's pods metrics, a ScaledObject's queries. */
function scalerExpressions({ metadata, spec }: Manifest): Asked[] {
  const { metrics = [], triggers = [] } = spec as { metrics?: Metric[]; triggers?: { metadata: { query: string } }[] };
  const named = metrics.filter(({ type }) => type === 'Pods').map(({ pods }) => pods.metric.name);
  const asked = [...named, ...triggers.map(({ metadata: { query } }) => query)];
  return asked.map((expr) => ({ where: `scaler ${metadata.name}`, expr, texts: [] }));
}
const scalers = (): Manifest[] =>
  [...render(MATRIX['keda']), ...render(MATRIX['autoscaling'])].filter(({ kind }) =>
    ['ScaledObject', 'HorizontalPodAutoscaler'].includes(kind),
  );

function asked(): Asked[] {
  return [
    ...alerts.groups.flatMap(({ rules }) =>
      rules.map(({ alert, expr, annotations }) => ({ where: alert, expr, texts: Object.values(annotations) })),
    ),
    ...dashboard.panels.flatMap(({ title, targets }) =>
      targets.map(({ expr, legendFormat }) => ({ where: title, expr, texts: [legendFormat] })),
    ),
    ...scalers().flatMap(scalerExpressions),
  ];
}

test('the programs answer the probes of their pods', async () => {
  for (const component of ['segmentation', 'training', 'gateway']) {
    const { livenessProbe, readinessProbe } = containerOf(
      deployments(render()).find((each) => componentOf(each) === component) as Manifest,
    ) as unknown as Record<string, { grpc: { service?: string } }>;
    const { check, close } = healthClient(healthOf(component));
    for (const probe of [livenessProbe, readinessProbe]) expect(await check(probe?.grpc.service ?? '')).toBe('SERVING');
    close();
  }
});

test('every metric and label of alerts, dashboard and scalers is offered', () => {
  expect(asked().length).toBeGreaterThan(40);
  expect(metricProblems(asked(), offered)).toEqual([]);
});

test.each(Object.keys(MATRIX))('every port leads somewhere: %s', (name) => {
  expect(portProblems(render(MATRIX[name]))).toEqual([]);
});

const SETTINGS = {
  gateway: gatewaySettings,
  inference: inferenceSettings,
  pacs: pacsSettings,
  training: trainingSettings,
};
interface Compose {
  services: Record<string, { command?: string[]; environment?: Record<string, string> }>;
}

/** Settings of the compose file that their programs do not have, and programs that there are not. */
function composeProblems(file: Compose): string[] {
  return Object.entries(file.services).flatMap(([service, { command = [service], environment = {} }]) => {
    const schema = SETTINGS[command[0] as keyof typeof SETTINGS] as (typeof SETTINGS)['gateway'] | undefined;
    if (!schema) return [`${service}: there is no program ${command[0]}`];
    const known = new Set([...Object.keys(schema.shape).map(environmentName)]);
    return Object.keys(environment)
      .filter((name) => !known.has(name))
      .map((name) => `${service}: ${command[0]} has no setting ${name}`);
  });
}

/** What the systemd unit starts: a command of `automed`, with flags that it has. */
function unitProblems(unit: string): string[] {
  const [, words = ''] = /^ExecStart=\S+ services\/cli\/bin\/automed[.]mjs (.*)$/m.exec(unit) ?? [];
  const [name, ...flags] = words.split(' ');
  const command = buildProgram().commands.find((each) => each.name() === name);
  if (!command) return [`there is no command ${name}`];
  const known = command.options.map(({ long }) => long);
  return flags
    .filter((flag) => flag.startsWith('--') && !known.includes(flag.split('=')[0]))
    .map((flag) => `there is no ${flag}`);
}
const deploy = (file: string): string => readFileSync(join(CHART, '..', '..', file), 'utf8');
const compose = (): Compose => parse(deploy('compose.yaml'), { merge: true }) as Compose;

test('the compose file and the systemd unit name programs, settings and flags that there are', () => {
  expect(composeProblems(compose())).toEqual([]);
  expect(unitProblems(deploy('systemd/automed.service'))).toEqual([]);
});

describe('a wrong name of each kind is found', () => {
  const changed = (from: string | RegExp, to: string): string[] =>
    metricProblems(JSON.parse(JSON.stringify(asked()).replace(from, to)) as Asked[], offered);

  test.each([
    [
      'a metric',
      'automed_engine_queued_images)',
      'automed_engine_waiting_images)',
      'no metric automed_engine_waiting_images',
    ],
    [
      'a series of a histogram',
      'request_seconds_bucket',
      'request_seconds_buckets',
      'no metric automed_grpc_request_seconds_buckets',
    ],
    ['a label that is matched', 'refused\\"}', 'declined\\"}', 'no outcome declined'],
    ['a program', 'program=\\"gateway\\"', 'program=\\"gate\\"', 'no program gate'],
    ['a status', 'INTERNAL|', 'INNER|', 'no code INNER'],
    ['a label that is grouped by', 'by (outcome)', 'by (result)', 'no label result'],
    ['a label of a legend', '{{outcome}}', '{{result}}', 'no label result'],
    ['a label of an alert', '$labels.method', '$labels.rpc', 'no label rpc'],
    ['a label that was aggregated away', '$labels.method', '$labels.code', 'drops the label code'],
  ])('%s', (_, from, to, problem) => {
    expect(changed(from, to)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
  });

  const portsAfter = (change: (manifests: Manifest[], container: Container) => void): string[] => {
    const manifests = ['from outside', 'autoscaling', 'standby of training'].flatMap((name) => render(MATRIX[name]));
    change(manifests, containerOf(deployments(manifests)[0] as Manifest));
    return portProblems(manifests);
  };
  const of = (manifests: Manifest[], kind: string): never =>
    manifests.find((each) => each.kind === kind)?.spec as never;

  test.each<[string, (manifests: Manifest[], container: Container) => void, string]>([
    ['of a container', (_, container) => (container.ports[0]!.containerPort = 1), 'AUTOMED_ADDRESS says'],
    [
      'of a probe',
      (_, container) => ((container['readinessProbe'] as { grpc: { port: number } }).grpc.port = 1),
      'readinessProbe asks port 1',
    ],
    [
      'of a Service',
      (all) => ((of(all, 'Service') as { ports: { targetPort: string }[] }).ports[0]!.targetPort = 'rpc'),
      'port rpc is not open',
    ],
    [
      'of a PodMonitor',
      (all) =>
        ((of(all, 'PodMonitor') as { podMetricsEndpoints: { port: string }[] }).podMetricsEndpoints[0]!.port = 'stats'),
      'port stats is not open',
    ],
    [
      'of a ServiceMonitor',
      (all) => ((of(all, 'ServiceMonitor') as { endpoints: { port: string }[] }).endpoints[0]!.port = 'stats'),
      'no Service has port stats',
    ],
    [
      'of a route',
      (all) =>
        ((of(all, 'GRPCRoute') as { rules: { backendRefs: { port: number }[] }[] }).rules[0]!.backendRefs[0]!.port =
          443),
      'there is no automed:443',
    ],
    [
      'of a NetworkPolicy',
      (all) => {
        const policy = all.find(
          ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'automed-training',
        );
        (policy?.spec as unknown as { ingress: { ports: { port: number }[] }[] }).ingress[0]!.ports[0]!.port = 50_054;
      },
      'port 50054 is not open',
    ],
  ])('a port %s', (_, change, problem) => {
    expect(portsAfter(change)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
  });

  test('a metric of a scaler', () => {
    const wrong = scalers().map(
      (each) => JSON.parse(JSON.stringify(each).replaceAll('queued_images', 'images')) as Manifest,
    );
    expect(metricProblems(wrong.flatMap(scalerExpressions), offered).join()).toContain(
      'no metric automed_engine_images',
    );
  });

  test('a setting, a program and a flag', () => {
    const wrong = compose();
    wrong.services['gateway']!.environment = { AUTOMED_ADRESS: 'x' };
    wrong.services['training']!.command = ['trainer'];
    expect(composeProblems(wrong)).toEqual([
      'gateway: gateway has no setting AUTOMED_ADRESS',
      'training: there is no program trainer',
    ]);
    expect(
      unitProblems(deploy('systemd/automed.service').replace('automed.mjs serve', 'automed.mjs serve --fast')),
    ).toEqual(['there is no --fast']);
  });
});
