// The probability of each pixel: asked for, it is what the model's masks are drawn from; else the answer is as it was.

import sharp from 'sharp';
import { decodeRle } from '../../../services/common/coco-rle';
import { segmentationClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

const home = temporaryFolder();
let program: Program;
let client: ReturnType<typeof segmentationClient>;

beforeAll(async () => {
  await (await makeStore(home)).addSegmentation('polyp', 2, ['polyp', 'vessel']);
  program = await startProgram('inference', { AUTOMED_HOME: home });
  client = segmentationClient(program.address);
});
afterAll(async () => {
  client?.close();
  await program?.stop();
});

const ask = async (encoded: Buffer, wish: { threshold?: number; probabilities?: boolean }) =>
  (
    await client.unary('Segment', {
      model: 'polyp',
      image: { encoded },
      maskFormat: 'MASK_FORMAT_COCO_RLE',
      ...wish,
    })
  ).masks;

async function levelsOf(png: Buffer): Promise<{ data: Buffer; width: number; height: number }> {
  const { space, channels, depth, width, height } = await sharp(png).metadata();
  expect({ space, channels, depth }).toEqual({ space: 'b-w', channels: 1, depth: 'uchar' });
  return { data: await sharp(png).toColourspace('b-w').raw().toBuffer(), width, height };
}

test.each([0.1, 0.3, 0.45, 0.5, 0.55, 0.7, 0.9])(
  'above the threshold of %d there is mask, and nowhere else',
  async (threshold) => {
    const { png } = await discImage(60, 40);
    const masks = await ask(png, { threshold, probabilities: true });
    expect(masks.map(({ structure }) => structure)).toEqual(['polyp', 'vessel']);
    for (const { probabilityPng, cocoRle, widthPx, heightPx, meanForegroundProbability } of masks) {
      const { data, ...size } = await levelsOf(probabilityPng);
      expect(size).toEqual({ width: 60, height: 40 });
      const bits = decodeRle(cocoRle ?? '', widthPx, heightPx);
      const level = 255 * threshold;
      // Rounded to whole levels: half a level on either side may fall either way.
      const wrong = bits.filter(
        (bit, at) => Math.abs((data[at] ?? 0) - level) > 0.5 && (bit === 1) !== (data[at] ?? 0) > level,
      );
      expect(wrong).toHaveLength(0);
      const inside = [...data].filter((_, at) => bits[at] === 1);
      if (inside.length === 0) continue;
      const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length / 255;
      expect(Math.abs(mean - (meanForegroundProbability ?? 0))).toBeLessThan(1 / 255);
    }
  },
);

test('a pixel has the probability at which the model begins to leave it out, each structure its own', async () => {
  const { png } = await discImage(60, 40);
  const pictures = await Promise.all(
    (await ask(png, { probabilities: true })).map(({ probabilityPng }) => levelsOf(probabilityPng)),
  );
  expect(pictures[0]?.data.equals(pictures[1]?.data ?? Buffer.alloc(0))).toBe(false);
  for (const [structure, { data }] of pictures.entries()) {
    for (const at of [0, 59, 20 * 60 + 30, 39 * 60, 12 * 60 + 41]) {
      const isDrawn = async (level: number) => {
        const mask = (await ask(png, { threshold: level / 255 }))[structure];
        return decodeRle(mask?.cocoRle ?? '', 60, 40)[at] === 1;
      };
      const level = data[at] ?? 0;
      expect([level, level < 1 || (await isDrawn(level - 0.51))]).toEqual([level, true]);
      expect([level, level < 255 && (await isDrawn(level + 0.51))]).toEqual([level, false]);
    }
  }
});

test.each([3, 6])('lies on the image as it is shown: EXIF orientation %d', async (orientation) => {
  const { png } = await discImage(60, 40);
  const turned = await sharp(png).withMetadata({ orientation }).png().toBuffer();
  const upright = await sharp(turned).rotate().png().toBuffer();
  const [shown, expected] = await Promise.all(
    [turned, upright].map(async (file) => (await ask(file, { probabilities: true }))[0]?.probabilityPng),
  );
  const { data, width, height } = await levelsOf(shown ?? Buffer.alloc(0));
  expect([width, height]).toEqual(orientation === 6 ? [40, 60] : [60, 40]);
  expect(data.equals((await levelsOf(expected ?? Buffer.alloc(0))).data)).toBe(true);
});

test('is no larger than 1024 pixels on a side, and none is made unless asked for', async () => {
  const { png } = await discImage(2500, 500);
  const [mask] = await ask(png, { probabilities: true });
  const { data, ...size } = await levelsOf(mask?.probabilityPng ?? Buffer.alloc(0));
  expect(size).toEqual({ width: 1024, height: 205 });
  expect(new Set(data).size).toBeGreaterThan(1);
  const plain = (await ask(png, {}))[0];
  expect(plain).toEqual({ ...mask, probabilityPng: Buffer.alloc(0) });
});
