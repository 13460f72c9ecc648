import { serviceNames } from '../../../../services/common/grpc/proto';
import { readGatewayConfig } from '../../../../services/gateway/config';
import { addressesOf, findRule } from '../../../../services/gateway/domain/routes';

test('the gateway needs no configuration: everything goes to two programs on this machine', () => {
  const { table, address } = readGatewayConfig([], {});
  expect(address).toBe('127.0.0.1:50051');
  expect(table.rules.map(({ service, backends }) => [service, backends[0]?.address])).toEqual([
    ['automed.segmentation.v1.SegmentationService', '127.0.0.1:50052'],
    ['automed.segmentation.v1.InteractiveSegmentationService', '127.0.0.1:50052'],
    ['automed.classification.v1.ClassificationService', '127.0.0.1:50052'],
    ['automed.training.v1.*', '127.0.0.1:50053'],
    ['automed.bases.v1.*', '127.0.0.1:50053'],
    ['automed.datasets.v1.*', '127.0.0.1:50053'],
    ['automed.evaluations.v1.*', '127.0.0.1:50053'],
    ['automed.reports.v1.*', '127.0.0.1:50053'],
    ['automed.reviews.v1.*', '127.0.0.1:50053'],
    ['automed.models.v1.PromotionService', '127.0.0.1:50053'],
    ['*', '127.0.0.1:50052'],
  ]);
});

test('the gateway reads rules as JSON', () => {
  const text = JSON.stringify({ rules: [{ model: 'polyp', backends: [{ address: 'h:1', weight: 9 }] }] });
  const { table } = readGatewayConfig([], { AUTOMED_ROUTES: text });
  expect(table.rules).toEqual([{ service: '*', model: 'polyp', backends: [{ address: 'h:1', weight: 9 }] }]);
});

test.each([
  ['is no JSON', '{', /AUTOMED_ROUTES: is no JSON/],
  ['has no backends', '{"rules":[{"backends":[]}]}', /AUTOMED_ROUTES: rules\.0\.backends/],
  [
    'has half a pattern for a service',
    '{"rules":[{"service":"auto*med","backends":["y:1"]}]}',
    /AUTOMED_ROUTES: rules\.0/,
  ],
  ['has an unknown key', '{"rules":[{"backend":"x","backends":["y:1"]}]}', /AUTOMED_ROUTES: rules\.0/],
])('refuses a table that %s', (_how, text, message) => {
  expect(() => readGatewayConfig([], { AUTOMED_ROUTES: text })).toThrow(message);
});

test('the gateway names the variable of a routes file that cannot be read, not its content', () => {
  expect(() => readGatewayConfig([], { AUTOMED_ROUTES_FILE: '/nowhere/routes.json' })).toThrow(
    'AUTOMED_ROUTES_FILE: cannot be read (ENOENT)',
  );
});

test('listens beyond this machine only with --insecure', () => {
  expect(() => readGatewayConfig([], { AUTOMED_ADDRESS: '0.0.0.0:50051' })).toThrow('--insecure');
  expect(readGatewayConfig(['--insecure'], { AUTOMED_ADDRESS: '0.0.0.0:50051' }).address).toBe('0.0.0.0:50051');
});

test('neither gRPC nor HTTP leaves this machine without authentication, and no key travels in the clear', () => {
  const http = { AUTOMED_HTTP_ADDRESS: '0.0.0.0:8080' };
  expect(() => readGatewayConfig([], http)).toThrow(/0\.0\.0\.0:8080 .*no authentication.*--insecure/);
  const keys = { ...http, AUTOMED_ADDRESS: '0.0.0.0:50051', AUTOMED_KEYS_FILE: 'keys.json' };
  expect(() => readGatewayConfig([], keys)).toThrow(/0\.0\.0\.0:50051 and 0\.0\.0\.0:8080 .*in the clear/);
  const tls = { ...keys, AUTOMED_TLS_CERT_FILE: 'a.pem', AUTOMED_TLS_KEY_FILE: 'a.key' };
  expect(readGatewayConfig([], tls).access).toBeDefined();
  expect(readGatewayConfig(['--insecure'], http).access).toBeUndefined();
});

test('a rule for a package leads to its services, and to no others', () => {
  const text = JSON.stringify({ rules: [{ service: 'automed.training.v1.*', backends: ['h:1'] }] });
  const { table } = readGatewayConfig([], { AUTOMED_ROUTES: text });
  expect(findRule(table, 'automed.training.v1.TrainingJobService', '')?.backends[0]?.address).toBe('h:1');
  expect(findRule(table, 'automed.training.v10.TrainingJobService', '')).toBeUndefined();
  expect(addressesOf(table, 'automed.training.v1.TrainingJobService')).toEqual(['h:1']);
  expect(addressesOf(table, 'automed.models.v1.ModelService')).toEqual([]);
});

test('without routes every service of the API goes to the program that hosts it', () => {
  const { table } = readGatewayConfig([], {});
  const control = ['Base', 'Dataset', 'Evaluation', 'Promotion', 'Report', 'Review', 'TrainingJob'].map(
    (name) => `${name}Service`,
  );
  expect(serviceNames().length).toBeGreaterThan(control.length);
  for (const service of serviceNames()) {
    const port = control.includes(service.split('.').at(-1)!) ? 50053 : 50052;
    expect([service, addressesOf(table, service)[0]]).toEqual([service, `127.0.0.1:${port}`]);
  }
});

test('what no rule fits goes by service to the backends that are set', () => {
  const text = JSON.stringify({
    rules: [{ service: 'automed.segmentation.v1.*', model: 'polyp', backends: ['canary:1'] }],
    sizes: [{ method: '*', maxBytes: 9 }],
  });
  const { table } = readGatewayConfig([], {
    AUTOMED_ROUTES: text,
    AUTOMED_SEGMENTATION_BACKENDS: 'dns:segmentation:2',
    AUTOMED_TRAINING_BACKENDS: 'training:3',
    AUTOMED_CLASSIFICATION_BACKENDS: '',
  });
  const backend = (service: string, model: string): string | undefined =>
    findRule(table, service, model)?.backends[0]?.address;
  expect(backend('automed.segmentation.v1.SegmentationService', 'polyp')).toBe('canary:1');
  expect(backend('automed.segmentation.v1.SegmentationService', 'tumour')).toBe('dns:segmentation:2');
  expect(backend('automed.training.v1.TrainingJobService', '')).toBe('training:3');
  expect(backend('automed.models.v1.ModelService', '')).toBe('dns:segmentation:2');
  expect(addressesOf(table, 'automed.classification.v1.ClassificationService')).toEqual(['dns:segmentation:2']);
  expect(table.sizes).toEqual([{ method: '*', maxBytes: 9 }]);
});
