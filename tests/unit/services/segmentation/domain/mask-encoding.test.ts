import { decodeRle } from '../../../../../services/client';
import { decodeMask, unpackBits } from '../../../../../services/imaging/mask';
import { pixelPool } from '../../../../../services/imaging/pixel-pool';
import { encodeMask, type EncodedMask } from '../../../../../services/segmentation/domain/mask-encoding';
import { answerMasks } from '../../../../../services/segmentation/domain/segment-image';
import type { DrawnMask } from '../../../../../services/segmentation/domain/ports';

const [width, height] = [30, 20];
const drawn = (column: number): DrawnMask => ({
  mask: Uint8Array.from({ length: width * height }, (_, at) => (at % width === column ? 1 : 0)),
  width,
  height,
  areaPx: height,
  boundingBox: [column, 0, 1, height],
  meanProbability: 0.75,
});

async function decoded(encoded: EncodedMask): Promise<Uint8Array> {
  if (encoded.encoding === 'png') return (await decodeMask(encoded.png)).mask;
  if (encoded.encoding === 'coco-rle') return decodeRle(encoded.cocoRle, width, height);
  return unpackBits(encoded.packedBits, width * height);
}

// PNG is libvips' work, which has threads of its own.
test.each([
  ['png', 0],
  ['coco-rle', 1],
  ['packed-bits', 1],
] as const)('%s holds the mask, and no pixel is touched on this thread', async (encoding, tasks) => {
  const before = pixelPool.completed;
  const one = drawn(3);
  expect(await decoded(await encodeMask(one, encoding))).toEqual(one.mask);
  expect(pixelPool.completed - before).toBe(tasks);
});

test('masks of an answer are encoded one after another, and the answer holds no pixels', async () => {
  const masks = [drawn(1), drawn(2), drawn(3)];
  const before = pixelPool.completed;
  const begun: number[] = [];
  const watched = masks.map((each, index) => ({
    ...each,
    get mask() {
      begun[index] = pixelPool.completed - before;
      return each.mask;
    },
  }));
  const answered = await answerMasks(watched, ['a', 'b', 'c'], 'coco-rle', 0.5);
  expect(answered.map(({ structure, areaMm2 }) => [structure, areaMm2])).toEqual(['a', 'b', 'c'].map((n) => [n, 10]));
  expect(answered.every(({ drawn: measures }) => !('mask' in measures))).toBe(true);
  expect(await Promise.all(answered.map(({ encoded }) => decoded(encoded)))).toEqual(masks.map(({ mask }) => mask));
  expect(begun).toEqual([0, 1, 2]); // each when those before it were done
});
