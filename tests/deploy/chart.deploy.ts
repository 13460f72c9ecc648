import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { environmentName } from '../../services/common/config';
import { gatewaySettings, readGatewayConfig } from '../../services/gateway/config';
import { routesSchema } from '../../services/gateway/domain/routes';
import { inferenceSettings } from '../../services/inference/config';
import { pacsSettings } from '../../services/pacs/config';
import { readSite } from '../../services/pacs-site/read-site';
import { trainingSettings } from '../../services/training/config';
import { problemsOf, type Container, type Manifest } from './manifests';
import { CHART, helm, installTools } from './tools';
import { componentOf, containerOf, deployments, MATRIX, render, settingOf } from './values';

jest.setTimeout(600_000);

beforeAll(() => installTools());

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
        settingOf(containerOf(deployment), 'AUTOMED_TRAINING_LAUNCHER') === 'kubernetes',
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
    for (const { kind, metadata, spec } of all) {
      if (kind === 'Deployment' || kind === 'PodDisruptionBudget')
        expect(matching(spec.selector?.matchLabels ?? {})).toBe(1);
      // Metrics are every pod's.
      if (kind === 'Service')
        expect(matching(spec.selector ?? {})).toBe(metadata.name === 'automed-metrics' ? pods.length : 1);
      if (kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject') {
        const target = spec.scaleTargetRef.name;
        const deployment = deployments(all).find(({ metadata }) => metadata.name === target);
        // Its owner alone sets the number.
        expect(deployment?.spec.replicas).toBeUndefined();
        expect(deployment).toBeDefined();
      }
    }
  });

  test('every program is told of hosts that are services', () => {
    const all = manifests();
    const services = all.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    for (const { name: variable, value = '' } of deployments(all).flatMap((each) => containerOf(each).env)) {
      for (const [, host = ''] of value.matchAll(/(automed[\w.-]*):\d+/g))
        expect({ variable, host, known: services.includes(host) }).toEqual({ variable, host, known: true });
    }
  });

  test('every setting is one of its program, and every number is whole', () => {
    const schemas = {
      gateway: gatewaySettings,
      inference: inferenceSettings,
      pacs: pacsSettings,
      training: trainingSettings,
    };
    for (const deployment of deployments(manifests())) {
      const container = containerOf(deployment);
      const schema = schemas[container.name as keyof typeof schemas];
      const known = Object.keys(schema.shape).map(environmentName);
      for (const { name: variable, value } of container.env) {
        if (!/^(OMP_NUM_THREADS|AWS_\w+)$/.test(variable)) expect(known).toContain(variable);
        expect(value ?? '').not.toMatch(/\de\+\d/);
      }
    }
  });
});

test('with models in S3 inference mounts no claim, and credentials come from their Secret alone', () => {
  for (const deployment of deployments(render(MATRIX['models in S3']))) {
    if (componentOf(deployment) === 'gateway') continue;
    const container = containerOf(deployment);
    expect(settingOf(container, 'AUTOMED_MODEL_STORE')).toBe('s3://models/site');
    const secrets = container.env.filter(({ name }) => /^AWS_.*(ID|KEY)$/.test(name));
    expect(secrets.map(({ value }) => value)).toEqual([undefined, undefined]);
    const { volumes } = deployment.spec.template.spec as unknown as {
      volumes: { name: string; emptyDir?: { sizeLimit?: string } }[];
    };
    const store = volumes.find(({ name }) => name === 'store');
    expect(store?.emptyDir?.sizeLimit).toBe(container.name === 'inference' ? '22Gi' : undefined);
  }
});

test('of several training services one leads, and the rest are no hindrance for a rollout', () => {
  const all = render(MATRIX['standby of training']);
  const [training, gateway] = ['training', 'gateway'].map((name) =>
    deployments(all).find((each) => componentOf(each) === name),
  ) as [Manifest, Manifest];
  expect(training.spec).toMatchObject({
    replicas: 2,
    strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
  });
  expect(settingOf(containerOf(training), 'AUTOMED_TRAINING_STANDBY')).toBe('true');
  expect(containerOf(training)['readinessProbe']).toMatchObject({ grpc: { service: 'liveness' } });
  // The gateway asks each of them whether it leads, and so must see them all.
  const backends = settingOf(containerOf(gateway), 'AUTOMED_TRAINING_BACKENDS');
  expect(backends).toBe('dns:automed-training-replicas:50053');
  const service = all.find(({ kind, metadata }) => kind === 'Service' && metadata.name.includes('training'));
  expect(service).toMatchObject({ metadata: { name: 'automed-training-replicas' }, spec: { clusterIP: 'None' } });
  const budgets = all.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
  expect(budgets).toContain('automed-training');
});

test('one training service is ready when it leads, and ends before the next one starts', () => {
  const training = deployments(render()).find((each) => componentOf(each) === 'training') as Manifest;
  expect(training.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  expect(settingOf(containerOf(training), 'AUTOMED_TRAINING_STANDBY')).toBeUndefined();
  expect(containerOf(training)['readinessProbe']).toMatchObject({ grpc: { port: 50_060 } });
  expect(containerOf(training)['readinessProbe']).not.toMatchObject({ grpc: { service: expect.anything() } });
});

test('each program runs from an image that holds it', () => {
  const images = deployments(render(MATRIX['picture archives'])).map((each) => [
    componentOf(each),
    String(containerOf(each)['image']).replace(/:.*/, ''),
  ]);
  expect(Object.fromEntries(images)).toEqual({
    gateway: 'automed/gateway',
    pacs: 'automed/gateway',
    segmentation: 'automed/native',
    classification: 'automed/native',
    training: 'automed/native',
  });
});

test('the chart takes every routing rule that the gateway takes, and no other', () => {
  const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as {
    properties: { gateway: { properties: Record<'routes' | 'sizes', object> } };
  };
  const { rules, sizes } = z.toJSONSchema(routesSchema, { io: 'input' }).properties as Record<string, object>;
  const { routes, sizes: bounds } = schema.properties.gateway.properties;
  // Without rules the gateway's own table holds.
  expect({ ...routes, minItems: 1 }).toEqual(rules);
  expect({ ...bounds, default: [] }).toEqual(sizes);
});

test('rules of the values reach the gateway as it reads them', () => {
  const map = render(MATRIX['canary']).find(({ kind }) => kind === 'ConfigMap') as unknown as {
    data: Record<string, string>;
  };
  const { table } = readGatewayConfig([], { AUTOMED_ROUTES: map.data['routes.json'] });
  expect(table.rules.map(({ split, shadow, hedgeMs }) => [split?.length, shadow?.fraction, hedgeMs])).toEqual([
    [2, 0.05, 2000],
    [undefined, undefined, undefined],
  ]);
  expect(table.sizes).toEqual([{ method: 'automed.training.v1.*', maxBytes: 1_048_576 }]);
});

test('pods of the gateway start anew with other routes or sizes', () => {
  const checksum = (sizes: object[]): unknown => {
    const routes = [{ backends: ['a:1'] }];
    const gateway = deployments(render({ gateway: { routes, sizes } })).find((each) => componentOf(each) === 'gateway');
    const { annotations } = gateway?.spec.template.metadata as unknown as { annotations: Record<string, string> };
    return annotations['checksum/routes'];
  };
  expect(checksum([{ method: '*', maxBytes: 1 }])).not.toBe(checksum([]));
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
  expect(refused({ store: { s3: { location: 's3://models' } } })).toContain('networkPolicy.storeTo');
  expect(refused({ gateway: { sizes: [{ method: '*', maxBytes: 1 }] } })).toContain('set gateway.routes, too');
  expect(refused({ inference: { mode: 'both' } })).toContain('/inference/mode');
  expect(refused({ inference: { replica: 3 } })).toContain("additional properties 'replica' not allowed");
  expect(refused({ training: { launcher: 'kubernetes' } })).toContain('networkPolicy.trainingEgress');
  expect(refused({ training: { databaseSecret: 'jobs' } })).toContain('networkPolicy.databaseTo');
  expect(refused({ training: { replicas: 2 } })).toContain('training.databaseSecret');
  const standby = MATRIX['standby of training'];
  expect(refused({ ...standby, store: { accessModes: ['ReadWriteOnce'] } })).toContain('ReadWriteMany');
  const monitors = { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } };
  expect(refused({ monitoring: monitors })).toContain('enable one of them');
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

test('cert-manager writes the Secrets that pods mount, for the names under which they are called', () => {
  interface Certificate {
    spec: { secretName: string; dnsNames: string[]; issuerRef: { name: string; kind: string } };
  }
  const rendered = render(MATRIX['cert-manager']);
  const certificates = rendered.filter(({ kind }) => kind === 'Certificate') as unknown as Certificate[];
  const of = (secret: string): Certificate['spec'] | undefined =>
    certificates.find(({ spec }) => spec.secretName === secret)?.spec;
  const [shown, internal] = [of('automed-tls'), of('automed-internal')];
  expect(shown?.issuerRef).toMatchObject({ name: 'public', kind: 'ClusterIssuer' });
  expect(internal?.issuerRef).toMatchObject({ name: 'inside', kind: 'Issuer' });
  expect(shown?.dnsNames).toContain('automed.example.org');
  const services = rendered.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
  for (const name of services) expect([...(shown?.dnsNames ?? []), ...(internal?.dnsNames ?? [])]).toContain(name);
});

test('limits of callers are divided by as many gateways as there may be', () => {
  const sharesWith = (gateway: object): string | undefined => {
    const rendered = deployments(render({ ...MATRIX['secure'], gateway }));
    const found = rendered
      .map(containerOf)
      .find((container) => settingOf(container, 'AUTOMED_POLICY_FILE') !== undefined);
    return found && settingOf(found, 'AUTOMED_LIMIT_SHARES');
  };
  expect(sharesWith({ replicas: 3 })).toBe('3');
  expect(sharesWith({ replicas: 0 })).toBe('1');
  expect(sharesWith({ autoscaling: { enabled: true, minReplicas: 2, maxReplicas: 8 } })).toBe('8');
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

test('the site of the bridge is one, and where DICOM is received', () => {
  const secret = render(MATRIX['picture archives']).find(
    ({ kind, metadata }) => kind === 'Secret' && metadata.name.endsWith('-pacs'),
  ) as unknown as { stringData: Record<string, string> };
  const site = readSite(secret.stringData['pacs.yaml'] ?? '', 'pacs.yaml');
  expect(site.listen).toMatchObject({ host: '0.0.0.0', port: 11_112 });
  expect(site.storage.most).toBe(1_500_000_000);
  expect(site.rules[0]?.send_to).toEqual(['archive']);
});
