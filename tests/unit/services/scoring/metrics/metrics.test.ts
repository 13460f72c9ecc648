import {
  classificationMetrics,
  maskOverlap,
  mostProbable,
  segmentationMetrics,
} from '../../../../../services/scoring/metrics/metrics';

describe('maskOverlap', () => {
  it('counts the foreground', () => {
    const overlap = maskOverlap(Uint8Array.from([1, 1, 0, 0]), Uint8Array.from([0, 1, 1, 0]));
    expect(overlap).toEqual({ dice: 0.5, iou: 1 / 3 });
  });

  it('is 1 for two empty masks and 0 for one', () => {
    expect(maskOverlap(new Uint8Array(4), new Uint8Array(4))).toEqual({ dice: 1, iou: 1 });
    expect(maskOverlap(new Uint8Array(4), Uint8Array.from([0, 0, 0, 1]))).toEqual({ dice: 0, iou: 0 });
  });
});

describe('segmentationMetrics', () => {
  it('averages over images', () => {
    const metrics = segmentationMetrics([
      { dice: 1, iou: 1 },
      { dice: 0.5, iou: 0.25 },
    ]);
    expect(metrics).toEqual({ images: 2, mdsc: 0.75, miou: 0.625 });
  });
});

describe('classificationMetrics', () => {
  const pairs: [label: number, predicted: number][] = [
    [0, 0],
    [0, 0],
    [0, 1],
    [1, 1],
  ];
  const metrics = classificationMetrics(
    pairs.map(([label, predicted]) => ({ label, predicted })),
    ['a', 'b', 'c'],
  );

  it('has true classes in the rows of the confusion matrix', () => {
    expect(metrics.confusion).toEqual([
      [2, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    expect(metrics.accuracy).toBe(0.75);
  });

  // 0 would be the worst value, and is none: with no image of the class and none taken for it nothing is known.
  it('scores every class, and leaves undefined what has no denominator, in means too', () => {
    expect(metrics.classes[0]).toEqual({ name: 'a', precision: 1, recall: 2 / 3, f1: 0.8, support: 3 });
    expect(metrics.classes[1]).toMatchObject({ precision: 0.5, recall: 1, support: 1 });
    expect(metrics.classes[2]).toEqual({ name: 'c', precision: NaN, recall: NaN, f1: NaN, support: 0 });
    expect(metrics.macroF1).toBeCloseTo((0.8 + 2 / 3) / 2, 10);
  });

  // precision_recall_fscore_support(..., zero_division=nan) and f1_score(average='macro', ...) of scikit-learn 1.9.1.
  test.each<[string, number[], number[], { precision: number[]; recall: number[]; f1: number[]; macro: number }]>([
    [
      'a class that was predicted though it never occurs',
      [0, 0, 0, 1],
      [0, 2, 1, 1],
      { precision: [1, 0.5, 0], recall: [1 / 3, 1, NaN], f1: [0.5, 2 / 3, 0], macro: 0.38888888888888884 },
    ],
    [
      'a class that occurs and was never predicted',
      [0, 0, 2, 1],
      [0, 0, 1, 1],
      { precision: [1, 0.5, NaN], recall: [1, 1, 0], f1: [1, 2 / 3, 0], macro: 0.5555555555555555 },
    ],
    [
      'both among others',
      [0, 4, 0, 4, 2, 2, 0, 1, 4, 0, 1, 1, 2, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 1, 2, 1, 4, 0, 4, 0, 4, 0, 1, 0, 2],
      [0, 1, 3, 1, 1, 1, 0, 3, 3, 0, 0, 1, 2, 2, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1, 2, 1, 1, 0, 3, 0, 1, 0, 1, 0, 3],
      {
        precision: [0.8666666666666667, 0.38461538461538464, 1.0, 0.0, NaN],
        recall: [0.8125, 0.7142857142857143, 0.5, NaN, 0.0],
        f1: [0.8387096774193549, 0.5, 0.6666666666666666, 0.0, 0.0],
        macro: 0.4010752688172043,
      },
    ],
  ])('agrees with scikit-learn on %s', (_, truth, predicted, { precision, recall, f1, macro }) => {
    const results = truth.map((label, index) => ({ label, predicted: predicted[index] ?? -1 }));
    const names = precision.map((_value, index) => `class ${index}`);
    const { classes, macroF1 } = classificationMetrics(results, names);
    const close = (values: number[]): unknown[] =>
      values.map((value): unknown => (Number.isNaN(value) ? NaN : expect.closeTo(value, 12)));
    expect(classes.map((each) => each.precision)).toEqual(close(precision));
    expect(classes.map((each) => each.recall)).toEqual(close(recall));
    expect(classes.map((each) => each.f1)).toEqual(close(f1));
    expect(macroF1).toBeCloseTo(macro, 12);
  });

  it('takes the first of equally probable classes', () => {
    expect(mostProbable([0.2, 0.4, 0.4])).toBe(1);
  });
});
