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
  expect(count(Array.from({ length: 40 }, () => picker.pick(SEGMENTATION, 'polyp')))).toEqual({ 'a:1': 30, 'b:1': 10 });
});

test('leaves out backends that are not healthy, and takes them back', () => {
  const sick = new Set(['a:1']);
  const picker = new Picker(routes, (address) => !sick.has(address));
  expect(count(Array.from({ length: 4 }, () => picker.pick(SEGMENTATION, 'polyp')))).toEqual({ 'b:1': 4 });
  sick.clear();
  expect(count(Array.from({ length: 40 }, () => picker.pick(SEGMENTATION, 'polyp')))['a:1']).toBeGreaterThan(25);
});

test('says UNAVAILABLE when no backend is healthy, and NOT_FOUND when no rule fits', () => {
  const picker = new Picker(routes, () => false);
  expect(() => picker.pick(SEGMENTATION, 'polyp')).toThrow(expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }));
  expect(() => picker.pick('automed.models.v1.ModelService', '')).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  );
});

test('metadata and message must agree on the model', () => {
  expect(agreedModel('polyp', '')).toBe('polyp');
  expect(agreedModel('polyp', 'polyp')).toBe('polyp');
  expect(agreedModel('', 'polyp')).toBe('polyp');
  expect(() => agreedModel('polyp', 'lesion')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
