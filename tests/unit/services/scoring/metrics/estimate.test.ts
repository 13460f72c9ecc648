import { basisText, estimateSchema, unscoredClasses } from '../../../../../services/scoring/metrics/estimate';

test('what a score rests on is told where it is not everything', () => {
  const all = { images: 20, structures: 2, classes: 3, resamples: 2000 };
  expect(basisText({}, all)).toBe('');
  expect(basisText({ images: 1 }, all)).toBe('1 of 20 images');
  expect(basisText({ masks: 39, resamples: 1900 }, all)).toBe('39 of 40 masks, 1900 of 2000 resamples');
  expect(basisText({ classes: 2 }, all)).toBe('2 of 3 classes');
  expect(basisText({ images: 4 }, {})).toBe('4 images');
});

test('a class without any score is named, and estimates of before are read', () => {
  expect(unscoredClasses(['a', 'b'], { 'class.a.f1': { value: 0 } })).toEqual(['b']);
  expect(estimateSchema.parse({ value: 1, low: 0.5, high: 1 })).toEqual({ value: 1, low: 0.5, high: 1 });
});
