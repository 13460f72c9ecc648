import { locateScore, namedScores } from '../../../../../../services/training/domain/promotions/scores';

const metrics = {
  validation: { images: 3, mdsc: 0.7, structures: [{ name: 'disc', mdsc: 0.8, miou: 0.6 }] },
  test: {
    mdsc: 0.6,
    intervals: { confidence: 0.95, estimates: { mdsc: { value: 0.6, low: 0.5, high: 0.7 }, hd95_px: { value: 4 } } },
    point: { mdsc: 0.3 },
  },
};

test('a score without a part is that of the test, or else that of the validation', () => {
  const scores = namedScores(metrics);
  expect(locateScore(scores, 'mdsc')).toMatchObject({ value: 0.6, images: undefined, part: 'test' });
  expect(locateScore(scores, 'validation.mdsc')).toMatchObject({ value: 0.7, images: 3, part: 'validation' });
  expect(locateScore(scores, 'point.mdsc')?.value).toBe(0.3);
  expect(locateScore(scores, 'structure.disc.miou')).toMatchObject({ value: 0.6, images: 3, part: 'validation' });
  expect(locateScore(scores, 'accuracy')).toBeUndefined();
});

test('classes are found by name, and matrices are not scores', () => {
  const scores = namedScores({ accuracy: 0.9, classes: [{ name: 'glioma', recall: 0.8 }], confusion: [[1, 2]] });
  expect(Object.fromEntries(scores)).toEqual({ accuracy: 0.9, 'class.glioma.recall': 0.8 });
});

test('the ends of intervals are scores, and scores that only intervals name are found', () => {
  const scores = namedScores(metrics);
  expect(locateScore(scores, 'mdsc.low')?.value).toBe(0.5);
  expect(locateScore(scores, 'hd95_px')?.value).toBe(4);
  expect([...scores.keys()].filter((name) => name.includes('confidence') || name.includes('interval'))).toEqual([]);
});
