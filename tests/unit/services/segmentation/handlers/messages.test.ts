import { encodeMask } from '../../../../../services/segmentation/domain/mask-encoding';
import { toResponse } from '../../../../../services/segmentation/handlers/messages';
import type { DrawnMask } from '../../../../../services/segmentation/domain/ports';
import { NO_FACTS } from '../../../../../services/imaging/image-input';
import { decodeRle } from '../../../../../services/client';
import { decodeMask, unpackBits } from '../../../../../services/imaging/mask';

const timings = {
  queueMs: 1,
  preprocessMs: 2,
  inferenceMs: 3,
  encoderMs: 2,
  postprocessMs: 4,
  batchSize: 1,
  embeddingCached: false,
};
const drawn: DrawnMask = {
  mask: Uint8Array.from([0, 1, 1, 0, 0, 1]),
  width: 3,
  height: 2,
  areaPx: 3,
  boundingBox: [1, 0, 2, 2],
  meanProbability: 0.75,
};
const identity = {
  name: 'polyp',
  version: 1,
  weightsSha256: 'a',
  baseName: 'tiny',
  baseVersion: 1,
  baseSha256: 'b',
  precision: 'float32',
};

test('every encoding holds the same mask', async () => {
  const png = await encodeMask(drawn, 'png');
  const rle = await encodeMask(drawn, 'coco-rle');
  const bits = await encodeMask(drawn, 'packed-bits');
  expect(png.encoding === 'png' && [...(await decodeMask(png.png)).mask]).toEqual([...drawn.mask]);
  expect(rle.encoding === 'coco-rle' && [...decodeRle(rle.cocoRle, 3, 2)]).toEqual([...drawn.mask]);
  expect(bits.encoding === 'packed-bits' && [...unpackBits(bits.packedBits, 6)]).toEqual([...drawn.mask]);
});

test('the handler answers with what was measured', async () => {
  const encoded = await encodeMask(drawn, 'coco-rle');
  const segmented = {
    masks: [
      { drawn, encoded, areaMm2: 1.5, structure: 'cup' },
      { drawn, encoded, areaMm2: 1.5, structure: 'disc' },
    ],
    facts: NO_FACTS,
    threshold: 0.5,
    identity,
    timings: { ...timings, decodeMs: 5, encodeMs: 6 },
  };
  const mask = {
    cocoRle: expect.any(String),
    widthPx: 3,
    heightPx: 2,
    areaPx: 3,
    areaMm2: 1.5,
    boundingBox: { xPx: 1, yPx: 0, widthPx: 2, heightPx: 2 },
    meanForegroundProbability: 0.75,
  };
  expect(toResponse(segmented, 21)).toEqual({
    masks: [
      { ...mask, structure: 'cup' },
      { ...mask, structure: 'disc' },
    ],
    threshold: 0.5,
    model: { ...identity, precision: 'PRECISION_FLOAT32' },
    timings: { ...timings, decodeMs: 5, encodeMs: 6, totalMs: 21 },
  });
});

test('an empty mask has neither box nor probability', async () => {
  const empty = { ...drawn, mask: new Uint8Array(6), areaPx: 0, boundingBox: null, meanProbability: null };
  const encoded = await encodeMask(empty, 'png');
  const segmented = {
    masks: [{ drawn: empty, encoded, areaMm2: undefined, structure: '' }],
    facts: NO_FACTS,
    threshold: 0.5,
    identity,
    timings: { ...timings, decodeMs: 0, encodeMs: 0 },
  };
  const [mask] = toResponse(segmented, 1).masks ?? [];
  for (const field of ['boundingBox', 'meanForegroundProbability', 'areaMm2']) expect(mask).not.toHaveProperty(field);
});
