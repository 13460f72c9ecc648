// What of a request can be checked without its model is checked before the model is loaded: a program that has loaded nothing
// gets requests that nobody could answer.

import { once } from 'node:events';
import type { Image } from '../../../proto/gen/automed/common/v1/Image';
import type { SegmentStreamResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentStreamResponse';
import type { InteractiveSessionResponse__Output } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionResponse';
import { temporaryFolder } from '../../support/data';
import { greyDicom } from '../../support/dicom';
import { png, RGB } from '../../support/images';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';
import { analysisClient, classificationClient, interactiveClient, segmentationClient } from '../../support/api-clients';

const home = temporaryFolder();
let program: Program;
let segmentation: ReturnType<typeof segmentationClient>;
let classification: ReturnType<typeof classificationClient>;
let interactive: ReturnType<typeof interactiveClient>;
let analysis: ReturnType<typeof analysisClient>;
let image: Image;

beforeAll(async () => {
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  await store.addClassification('tumour');
  image = { encoded: (await discImage(120, 80)).png };
  program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_REQUEST_MEMORY_BYTES: String(100e6) });
  segmentation = segmentationClient(program.address);
  classification = classificationClient(program.address);
  interactive = interactiveClient(program.address);
  analysis = analysisClient(program.address);
});

afterAll(async () => {
  for (const client of [segmentation, classification, interactive, analysis]) client.close();
  expect(await program.stop()).toBe(0);
});

/** Models and bases in memory. */
async function loaded(): Promise<number[]> {
  const url = `http://${program.metricsAddress}/metrics`;
  const lines = (await (await fetch(url, { headers: { connection: 'close' } })).text()).split('\n');
  return ['automed_loaded_models', 'automed_loaded_bases'].map((name) =>
    Number(
      lines
        .find((line) => line.startsWith(name))
        ?.split(' ')
        .at(-1),
    ),
  );
}

const damaged: Image = { encoded: Buffer.from('\u0089PNG\r\n\u001a\n and then nothing', 'latin1') };
const huge: Image = { encoded: png(60_000, 60_000, RGB, 8, Buffer.alloc(0)) };
const twoFrames: Image = { encoded: greyDicom({ width: 2, height: 1, bits: 8, frames: 2, values: [1, 2, 3, 4] }) };
const tiny = { model: 'tiny' };
const prompted = () => ({ ...tiny, image, points: [{ xPx: 1, yPx: 1 }] });

test.each<[string, () => Promise<unknown>, string]>([
  ['a damaged image', () => segmentation.unary('Segment', { model: 'polyp', image: damaged }), 'image'],
  ['no image', () => segmentation.unary('Segment', { model: 'polyp' }), 'image'],
  ['too large an image', () => classification.unary('Classify', { model: 'tumour', image: huge }), 'image'],
  [
    'an image for which there is never memory',
    () =>
      segmentation.unary('Segment', { model: 'polyp', image: { encoded: png(7900, 7900, RGB, 8, Buffer.alloc(0)) } }),
    'image',
  ],
  [
    'a frame that is not there',
    () => classification.unary('Classify', { model: 'tumour', image: { ...twoFrames, frameNumber: 3 } }),
    'image.frame_number',
  ],
  [
    'a spacing of 0',
    () => segmentation.unary('Segment', { model: 'polyp', image: { ...image, pixelSpacing: { columnMm: 1 } } }),
    'image.pixel_spacing',
  ],
  [
    'a mask format of a later version',
    () => segmentation.unary('Segment', { model: 'polyp', image, maskFormat: 9 as never }),
    'mask_format',
  ],
  ['a threshold of 1', () => segmentation.unary('Segment', { model: 'polyp', image, threshold: 1 }), 'threshold'],
  ['a priority of 101', () => classification.unary('Classify', { model: 'tumour', image, priority: 101 }), 'priority'],
  ['a damaged image to encode', () => interactive.unary('EncodeImage', { ...tiny, image: damaged }), 'image'],
  ['a priority of -101', () => interactive.unary('EncodeImage', { ...tiny, image, priority: -101 }), 'priority'],
  ['no prompt', () => interactive.unary('PredictMasks', { ...tiny, image }), 'points'],
  [
    'a point beside the image',
    () => interactive.unary('PredictMasks', { ...tiny, image, points: [{ xPx: 119.5, yPx: 80 }] }),
    'points[0].y_px',
  ],
  [
    'a point at NaN on an embedding',
    () => interactive.unary('PredictMasks', { ...tiny, embeddingId: 'a'.repeat(43), points: [{ xPx: NaN, yPx: 1 }] }),
    'points[0].x_px',
  ],
  [
    'a box that ends before it begins',
    () => interactive.unary('PredictMasks', { ...tiny, image, boxes: [{ x0Px: 9, y0Px: 9, x1Px: 20, y1Px: 9 }] }),
    'boxes[0].y1_px',
  ],
  [
    'a box beyond the image',
    () => interactive.unary('PredictMasks', { ...tiny, image, boxes: [{ x0Px: 9, y0Px: 9, x1Px: 121, y1Px: 20 }] }),
    'boxes[0].x1_px',
  ],
  [
    'several boxes and a point',
    () =>
      interactive.unary('PredictMasks', {
        ...prompted(),
        boxes: [
          { x0Px: 1, y0Px: 1, x1Px: 9, y1Px: 9 },
          { x0Px: 1, y0Px: 1, x1Px: 9, y1Px: 9 },
        ],
      }),
    'points',
  ],
  ['a prompt threshold of 0', () => interactive.unary('PredictMasks', { ...prompted(), threshold: 0 }), 'threshold'],
  [
    'logits of NaN',
    () =>
      interactive.unary('PredictMasks', {
        ...tiny,
        image,
        maskLogits: {
          data: Buffer.from(new Float32Array([NaN]).buffer),
          shape: [1, 1],
          type: 'TENSOR_TYPE_FLOAT32',
        },
      }),
    'mask_logits',
  ],
  [
    'logits of another size than the base takes',
    () =>
      interactive.unary('PredictMasks', {
        ...tiny,
        image,
        maskLogits: { data: Buffer.alloc(4 * 32 * 32), shape: [32, 32], type: 'TENSOR_TYPE_FLOAT32' },
      }),
    'mask_logits',
  ],
  [
    'an id that is none',
    () => interactive.unary('PredictMasks', { ...tiny, embeddingId: 'x', points: [{ xPx: 1, yPx: 1 }] }),
    'embedding_id',
  ],
  [
    'a grid of 129 points',
    () => interactive.unary('SegmentEverything', { ...tiny, image, pointsPerSide: 129 }),
    'points_per_side',
  ],
  [
    'a stability of NaN',
    () => interactive.unary('SegmentEverything', { ...tiny, image, minStability: NaN }),
    'min_stability',
  ],
  [
    'a mask format of everything',
    () => interactive.unary('SegmentEverything', { ...tiny, image, maskFormat: 9 as never }),
    'mask_format',
  ],
  [
    'a damaged image to analyze',
    () => analysis.unary('Analyze', { model: 'polyp', additionalModels: ['tumour'], image: damaged }),
    'image',
  ],
  [
    'a mask format to analyze',
    () => analysis.unary('Analyze', { model: 'polyp', image, maskFormat: 9 as never }),
    'mask_format',
  ],
  [
    'too many models',
    () => analysis.unary('Analyze', { model: 'polyp', additionalModels: Array<string>(64).fill('tumour'), image }),
    'additional_models',
  ],
])('%s loads nothing', async (_what, call, field) => {
  await expect(call()).rejects.toMatchObject({ name: 'InvalidInputError', field });
  expect(await loaded()).toEqual([0, 0]);
});

test('images of a series and prompts of a session that are refused load nothing, and those after them are answered', async () => {
  const series = segmentation.stream('SegmentStream');
  const answers: SegmentStreamResponse__Output[] = [];
  series.on('data', (answer: SegmentStreamResponse__Output) => answers.push(answer));
  series.write({ model: 'polyp', image: damaged });
  series.write({ image, threshold: 2 });
  while (answers.length < 2) await once(series, 'data');
  expect(answers.map(({ index, status }) => [index, status?.field])).toEqual([
    [0, 'image'],
    [1, 'threshold'],
  ]);

  const session = interactive.stream('InteractiveSession');
  const said: InteractiveSessionResponse__Output[] = [];
  session.on('data', (answer: InteractiveSessionResponse__Output) => said.push(answer));
  session.write({ model: 'tiny', image: damaged });
  while (said.length < 1) await once(session, 'data');
  session.write({ image, points: [{ xPx: 120, yPx: 1 }] });
  while (said.length < 2) await once(session, 'data');
  expect(said.map(({ status }) => status?.field)).toEqual(['image', 'points[0].x_px']);
  expect(await loaded()).toEqual([0, 0]);

  session.write({ image, points: [{ xPx: 119, yPx: 1 }] });
  while (said.length < 3) await once(session, 'data');
  expect(said[2]?.result?.masks).toHaveLength(1);
  expect(await loaded()).toEqual([0, 1]);
  // On the image of before, which is not sent again.
  session.write({ points: [{ xPx: 1, yPx: 81 }] });
  while (said.length < 4) await once(session, 'data');
  expect(said[3]?.status?.field).toBe('points[0].y_px');
  session.end();
  series.write({ image });
  while (answers.length < 3) await once(series, 'data');
  expect(answers[2]?.result?.masks).toHaveLength(1);
  expect(await loaded()).toEqual([1, 1]);
  series.end();
});
