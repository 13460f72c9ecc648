import type { Finding__Output } from '../../../../proto/gen/automed/analysis/v1/Finding';
import type { Image__Output } from '../../../../proto/gen/automed/common/v1/Image';
import { toNewImage, toPrediction } from '../../../../services/reviews/review-messages';
import { encodeRle } from '../../../../services/imaging/mask';

const model = { name: 'polyp', version: 1, baseName: '', baseVersion: 0 };

function segmentation(threshold: number, meanForegroundProbability?: number): Finding__Output {
  const mask = { cocoRle: encodeRle(Uint8Array.of(1, 0), 2, 1), widthPx: 2, heightPx: 1, structure: 'polyp' };
  return { segmentation: { model, threshold, masks: [{ ...mask, meanForegroundProbability }] } } as Finding__Output;
}

function classification(probability: number): Finding__Output {
  const probabilities = [{ className: 'polyp', probability }];
  return { classification: { model, predictedClass: 'polyp', probabilities } } as Finding__Output;
}

test.each([
  ['finding.segmentation.threshold', segmentation(NaN, 0.5)],
  ['finding.segmentation.threshold', segmentation(-0.1, 0.5)],
  ['finding.segmentation.threshold', segmentation(Infinity, 0.5)],
  ['finding.segmentation.masks[0].mean_foreground_probability', segmentation(0.5, NaN)],
  ['finding.segmentation.masks[0].mean_foreground_probability', segmentation(0.5, 1.5)],
  ['finding.classification.probabilities', classification(NaN)],
])('refuses what is no probability, by its field: %s', (field, finding) => {
  expect(() => toPrediction(finding)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field }));
});

test('keeps a mask without foreground, which has no probability', () => {
  expect(toPrediction(segmentation(0, undefined))).toMatchObject({ threshold: 0, masks: [{ structure: 'polyp' }] });
  expect(toPrediction(segmentation(1, 1))).toMatchObject({ threshold: 1, masks: [{ meanProbability: 1 }] });
});

test('refuses a frame before the first', () => {
  const image = { encoded: Buffer.of(1), frameNumber: 0 } as Image__Output;
  expect(() => toNewImage(image)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'image.frame_number' }),
  );
});
