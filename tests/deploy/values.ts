// Sets of values that the chart is rendered with.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifests, type Container, type Manifest } from './manifests';
import { CHART, helm } from './tools';

/** Renders the chart as `helm install automed --namespace imaging` would. */
export function render(values: object = {}): Manifest[] {
  const folder = mkdtempSync(join(tmpdir(), 'automed-chart-'));
  const file = join(folder, 'values.json');
  writeFileSync(file, JSON.stringify({ insecure: true, ...values }));
  try {
    return parseManifests(helm('template', 'automed', CHART, '--namespace', 'imaging', '--values', file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const egress = [{ ports: [{ port: 443 }] }];
export const MATRIX: Readonly<Record<string, object>> = {
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
    inference: { autoscaling: { enabled: true, queuedImages: 4, queueWaitMs: 500 } },
    monitoring: { podMonitor: { enabled: true }, rules: { enabled: true }, dashboard: { enabled: true } },
  },
  'models in S3': {
    store: { s3: { location: 's3://models/site', endpoint: 'http://objects:9000', existingSecret: 's3' } },
    training: { launcher: 'kubernetes', databaseSecret: 'jobs' },
    networkPolicy: { trainingEgress: egress, databaseTo: egress, storeTo: egress },
  },
  'standby of training': {
    training: { replicas: 2, databaseSecret: 'jobs' },
    networkPolicy: { databaseTo: [{ ports: [{ port: 5432 }] }] },
    monitoring: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } } },
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
    tracing: { url: 'http://collector.monitoring:4318/v1/traces', ratio: 0.05 },
    gateway: { http: true },
    auth: {
      keysSecret: 'automed-keys',
      jwt: { jwks: 'https://id.example.org/jwks', issuer: 'https://id.example.org' },
      policy: { roles: { clinic: [{ methods: ['automed.segmentation.v1.*'], models: ['polyp*'] }] } },
    },
    tls: { gatewaySecret: 'automed-tls', internalSecret: 'automed-internal' },
    networkPolicy: { gatewayEgress: egress, tracesTo: egress },
  },
  'cert-manager': {
    insecure: false,
    auth: { keysSecret: 'automed-keys' },
    tls: {
      gatewaySecret: 'automed-tls',
      internalSecret: 'automed-internal',
      certManager: {
        enabled: true,
        issuerRef: { name: 'public', kind: 'ClusterIssuer' },
        internalIssuerRef: { name: 'inside' },
        gatewayNames: ['automed.example.org'],
      },
    },
  },
  'picture archives': {
    pacs: {
      enabled: true,
      site: {
        ae_title: 'AUTOMED',
        accept: [{ ae: 'SCANNER', address: '10.0.0.7' }],
        storage: { most: 1_500_000_000 },
        destinations: { archive: { kind: 'dicom', host: 'pacs.example.org', port: 104, ae: 'PACS' } },
        rules: [{ name: 'liver', task: 'segmentation', model: 'liver', results: ['SEG', 'SR'], send_to: 'archive' }],
      },
      tokenSecret: 'bridge-token',
      gatewayCaSecret: 'gateway-ca',
      service: { type: 'LoadBalancer' },
      from: [{ ipBlock: { cidr: '10.0.0.0/24' } }],
      egress: [{ to: [{ ipBlock: { cidr: '10.0.1.0/24' } }], ports: [{ port: 104 }] }],
    },
  },
  canary: {
    gateway: {
      routes: [
        {
          service: 'automed.segmentation.v1.*',
          model: 'polyp',
          alias: 'production',
          split: [
            { model: 'polyp@production', weight: 90 },
            { model: 'polyp@candidate', weight: 10, backends: ['dns:next:50052'] },
          ],
          shadow: { model: 'polyp@next', fraction: 0.05 },
          hedgeMs: 2000,
          backends: [
            { address: 'dns:stable:50052', weight: 9 },
            { address: 'dns:next:50052', weight: 1 },
          ],
        },
        { service: '*', backends: ['dns:stable:50052'] },
      ],
      sizes: [{ method: 'automed.training.v1.*', maxBytes: 1_048_576 }],
      env: { AUTOMED_MAX_CONCURRENT_STREAMS: '500' },
    },
  },
};

export const deployments = (manifests: Manifest[]): Manifest[] => manifests.filter(({ kind }) => kind === 'Deployment');
export const containerOf = (deployment: Manifest): Container =>
  deployment.spec.template.spec.containers[0] as Container;
export const componentOf = (deployment: Manifest): string =>
  String(deployment.metadata.labels['app.kubernetes.io/component']);
export const settingOf = (container: Container, name: string): string | undefined =>
  container.env.find((each) => each.name === name)?.value;
