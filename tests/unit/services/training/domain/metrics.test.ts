import {
  classificationMetrics,
  maskOverlap,
  mostProbable,
  segmentationMetrics,
} from '../../../../../services/training/domain/metrics';

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

  it('scores every class, with 0 for one that never occurs', () => {
    expect(metrics.classes[0]).toEqual({ name: 'a', precision: 1, recall: 2 / 3, f1: 0.8, support: 3 });
    expect(metrics.classes[1]).toMatchObject({ precision: 0.5, recall: 1, support: 1 });
    expect(metrics.classes[2]).toEqual({ name: 'c', precision: 0, recall: 0, f1: 0, support: 0 });
    expect(metrics.macroF1).toBeCloseTo((0.8 + 2 / 3) / 3, 10);
  });

  it('takes the first of equally probable classes', () => {
    expect(mostProbable([0.2, 0.4, 0.4])).toBe(1);
  });
});
