import { Picker } from '../../../../../services/gateway/domain/picker';
import { agreedModel, findRule, routesSchema } from '../../../../../services/gateway/domain/routes';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const routes = routesSchema.parse({
  rules: [
    { service: SEGMENTATION, model: 'polyp*', backends: [{ address: 'a:1', weight: 3 }, 'b:1'] },
    { service: SEGMENTATION, backends: ['c:1'] },
    { service: 'automed.models.v1.ModelService', model: 'x.y', backends: ['d:1'] },
  ],
});

const pick = (picker: Picker, service: string, model: string, key?: string): string =>
  picker.pick(picker.plan({ service, model, key }));

function count(picks: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of picks) counts[address] = (counts[address] ?? 0) + 1;
  return counts;
}

test('the first rule that fits decides, by name without version', () => {
  expect(findRule(routes, SEGMENTATION, 'polyp-large@production')?.backends[0]?.address).toBe('a:1');
  expect(findRule(routes, SEGMENTATION, 'lesion@polyp')?.backends[0]?.address).toBe('c:1');
  expect(findRule(routes, SEGMENTATION, '')?.backends[0]?.address).toBe('c:1');
});

test('only the star is special in a pattern', () => {
  expect(findRule(routes, 'automed.models.v1.ModelService', 'xay')).toBeUndefined();
});

test('shares calls in proportion to weight', () => {
  const picker = new Picker(routes, () => true);
  expect(count(Array.from({ length: 40 }, () => pick(picker, SEGMENTATION, 'polyp')))).toEqual({
    'a:1': 30,
    'b:1': 10,
  });
});

test('the picker leaves out backends that are not healthy, and takes them back', () => {
  const sick = new Set(['a:1']);
  const picker = new Picker(routes, (address) => !sick.has(address));
  expect(count(Array.from({ length: 4 }, () => pick(picker, SEGMENTATION, 'polyp')))).toEqual({ 'b:1': 4 });
  sick.clear();
  expect(count(Array.from({ length: 40 }, () => pick(picker, SEGMENTATION, 'polyp')))['a:1']).toBeGreaterThan(25);
});

test('the picker says UNAVAILABLE when no backend is healthy, and NOT_FOUND when no rule fits', () => {
  const picker = new Picker(routes, () => false);
  expect(() => pick(picker, SEGMENTATION, 'polyp')).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
  expect(() => pick(picker, 'automed.models.v1.ModelService', '')).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  );
});

test('a service that no backend of the rule for all services has is not there; one that a rule names is away', () => {
  const rest = { service: '*', backends: ['c:1', 'd:1'] };
  const rules = [{ service: SEGMENTATION, backends: ['a:1'] }, rest];
  const lacking = new Set(['a:1', 'c:1']);
  const picker = new Picker(
    routesSchema.parse({ rules }),
    () => false,
    (address) => lacking.has(address),
  );
  const away = expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' });
  expect(() => pick(picker, SEGMENTATION, '')).toThrow(away);
  expect(() => pick(picker, 'automed.training.v1.TrainingJobService', '')).toThrow(away);
  lacking.add('d:1');
  expect(() => pick(picker, 'automed.training.v1.TrainingJobService', '')).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  );
});

test('metadata and message must agree on the model', () => {
  expect(agreedModel('polyp', '')).toBe('polyp');
  expect(agreedModel('polyp', 'polyp')).toBe('polyp');
  expect(agreedModel('', 'polyp')).toBe('polyp');
  expect(() => agreedModel('polyp', 'lesion')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

describe('a split', () => {
  const split = (changes: object = {}, first: object = {}): typeof routes =>
    routesSchema.parse({
      rules: [
        {
          service: SEGMENTATION,
          model: 'polyp',
          alias: 'production',
          backends: ['a:1'],
          split: [
            { model: 'polyp@production', weight: 90, ...first },
            { model: 'polyp@candidate', weight: 10, ...changes },
          ],
        },
        { service: SEGMENTATION, backends: ['a:1'] },
      ],
    });
  const models = (picker: Picker, calls: number, key?: (at: number) => string): Record<string, number> =>
    count(
      Array.from(
        { length: calls },
        (_, at) => picker.plan({ service: SEGMENTATION, model: 'polyp@production', key: key?.(at) }).model,
      ),
    );

  test('shares the calls of an alias as its weights say, and those alone', () => {
    const picker = new Picker(split(), () => true);
    expect(models(picker, 100)).toEqual({ 'polyp@production': 90, 'polyp@candidate': 10 });
    expect(picker.plan({ service: SEGMENTATION, model: 'polyp@3' }).model).toBe('polyp@3');
    expect(picker.plan({ service: SEGMENTATION, model: 'polyp' }).model).toBe('polyp');
  });

  test('leaves alone what changes something or names no model', () => {
    const picker = new Picker(split(), () => true);
    const asked = { service: SEGMENTATION, model: 'polyp@production', unchanged: true };
    for (let at = 0; at < 20; at += 1) {
      const { model, fallback } = picker.plan(asked);
      expect({ model, fallback }).toEqual({ model: 'polyp@production' });
    }
  });

  test('a key goes the same way always, in every gateway, and a growing canary gives none back', () => {
    const [small, large] = [new Picker(split(), () => true), new Picker(split({ weight: 60 }), () => true)];
    const way = (picker: Picker, key: string): string =>
      picker.plan({ service: SEGMENTATION, model: 'polyp@production', key }).model;
    const keys = Array.from({ length: 1_000 }, (_, at) => `patient-${at}`);
    const candidates = keys.filter((key) => way(small, key) === 'polyp@candidate');
    expect(candidates.length).toBeGreaterThan(60);
    expect(candidates.length).toBeLessThan(140);
    expect(keys.map((key) => way(new Picker(split(), () => true), key))).toEqual(keys.map((key) => way(small, key)));
    expect(candidates.filter((key) => way(large, key) !== 'polyp@candidate')).toEqual([]);
  });

  test('a part that no backend serves gets nothing, with a key or without', () => {
    const picker = new Picker(split({ backends: ['b:1'] }), (address) => address !== 'b:1');
    expect(models(picker, 100)).toEqual({ 'polyp@production': 100 });
    expect(models(picker, 100, (at) => `key-${at}`)).toEqual({ 'polyp@production': 100 });
  });

  test('the current model takes over what a candidate fails, and nothing takes over the current one', () => {
    const picker = new Picker(split({}, { weight: 0 }), () => true);
    expect(picker.plan({ service: SEGMENTATION, model: 'polyp@production' }).fallback?.model).toBe('polyp@production');
    const other = new Picker(split({ weight: 0 }), () => true);
    expect(other.plan({ service: SEGMENTATION, model: 'polyp@production' }).fallback).toBeUndefined();
  });

  test('a key has its own backend among several, and keeps it when another one leaves', () => {
    const away = new Set<string>();
    const many = routesSchema.parse({ rules: [{ backends: ['a:1', 'b:1', 'c:1'] }] });
    const picker = new Picker(many, (address) => !away.has(address));
    const keys = Array.from({ length: 300 }, (_, at) => `key-${at}`);
    const before = keys.map((key) => pick(picker, SEGMENTATION, '', key));
    expect(Math.min(...Object.values(count(before)))).toBeGreaterThan(60);
    away.add('b:1');
    const after = keys.map((key) => pick(picker, SEGMENTATION, '', key));
    expect(after.filter((each, at) => each !== before[at])).toHaveLength(count(before)['b:1'] ?? 0);
  });
});

test('what is no split, shadow or size is refused with its place', () => {
  const parse = (rule: object, more: object = {}): unknown =>
    routesSchema.safeParse({ rules: [{ backends: ['a:1'], ...rule }], ...more }).error?.issues[0]?.path.join('.');
  expect(parse({ split: [{ model: 'a@b', weight: 1 }] })).toBe('rules.0.split');
  expect(
    parse({
      split: [
        { model: 'a@b@c', weight: 1 },
        { model: 'a', weight: 1 },
      ],
    }),
  ).toBe('rules.0.split.0.model');
  expect(parse({ shadow: { model: 'a', fraction: 1.5 } })).toBe('rules.0.shadow.fraction');
  expect(parse({ hedgeMs: 0 })).toBe('rules.0.hedgeMs');
  expect(parse({}, { sizes: [{ method: '*', maxBytes: 0 }] })).toBe('sizes.0.maxBytes');
});
