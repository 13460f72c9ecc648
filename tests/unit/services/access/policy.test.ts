import { serviceDefinition, serviceNames } from '../../../../services/common/grpc/proto';
import { allows, DEFAULT_POLICY, parsePolicy } from '../../../../services/access/policy';

const SEGMENT = 'automed.segmentation.v1.SegmentationService/Segment';
const LIST = 'automed.models.v1.ModelService/ListModels';
const METHODS = serviceNames().flatMap((service) =>
  Object.keys(serviceDefinition(service)).map((method) => `${service}/${method}`),
);

test('without a policy: predict predicts and looks, train trains too, admin does all', () => {
  const allowed = (role: string): string[] => METHODS.filter((method) => allows(DEFAULT_POLICY, [role], method, []));
  expect(allowed('admin')).toEqual(METHODS);
  expect(allowed('nobody')).toEqual([]);
  expect(allowed('constructor')).toEqual([]);
  const packages = (methods: string[]): Set<string> => new Set(methods.map((method) => method.split('.')[1] ?? ''));
  expect(packages(allowed('predict'))).toEqual(new Set(['analysis', 'classification', 'models', 'segmentation']));
  expect(allowed('predict').filter((method) => /Set|Delete|Load|Promote|Rollback/.test(method))).toEqual([]);
  expect(packages(allowed('train'))).toEqual(
    new Set(
      'analysis bases classification datasets evaluations models reports reviews segmentation training'.split(' '),
    ),
  );
  // Whoever reviews decides and looks; data sets and queues are made and deleted by others.
  expect(packages(allowed('review'))).toEqual(
    new Set('analysis classification datasets models reviews segmentation'.split(' ')),
  );
  expect(
    allowed('review')
      .filter((method) => /Delete|Load|Publish|Register|DatasetService/.test(method))
      .sort(),
  ).toEqual([
    'automed.datasets.v1.DatasetService/GetDataset',
    'automed.datasets.v1.DatasetService/ListDatasetSamples',
    'automed.datasets.v1.DatasetService/ListDatasets',
    'automed.datasets.v1.DatasetService/ReadDatasetSample',
  ]);
  // What a version in production is stays with admin.
  const changing = METHODS.filter((method) =>
    /SetAlias|DeleteAlias|DeleteModel|PromoteModel|RollbackAlias/.test(method),
  );
  expect(changing).toHaveLength(5);
  expect(changing.filter((method) => allowed('train').includes(method))).toEqual([]);
});

test('grants by model hold for every model that a request names', () => {
  const policy = parsePolicy(`
roles:
  clinic:
    - methods: [automed.segmentation.v1.*, automed.analysis.v1.*]
      models: [polyp*]
    - methods: ['${LIST}']
`);
  expect(allows(policy, ['clinic'], SEGMENT, ['polyp-small'])).toBe(true);
  expect(allows(policy, ['clinic'], SEGMENT, ['brain'])).toBe(false);
  expect(allows(policy, ['clinic'], SEGMENT, ['polyp', 'brain'])).toBe(false);
  expect(allows(policy, ['clinic'], SEGMENT, [])).toBe(false);
  expect(allows(policy, ['clinic'], LIST, [])).toBe(true);
  expect(allows(policy, ['predict'], LIST, [])).toBe(false);
});

test.each([
  ['no roles', '{}'],
  ['a role without grants', 'roles: {a: []}'],
  ['a misspelt field', 'roles: {a: [{method: ["*"]}]}'],
  ['no YAML', 'roles: ['],
])('a policy with %s is refused', (_what, text) => {
  expect(() => parsePolicy(text)).toThrow();
});
