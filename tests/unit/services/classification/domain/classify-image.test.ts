import { classifyImage } from '../../../../../services/classification/domain/classify-image';
import type { ClassificationModel } from '../../../../../services/classification/domain/ports';
import { MemoryBudget } from '../../../../../services/common/memory-budget';
import type { RunOptions } from '../../../../../services/common/inference';
import { DEFAULT_LIMITS } from '../../../../../services/imaging/decode';
import { openImage } from '../../../../../services/imaging/image-input';
import type { Pixels } from '../../../../../services/imaging/pixels/pixels';
import { discImage } from '../../../../support/stack-images';

const timings = {
  queueMs: 1,
  preprocessMs: 2,
  inferenceMs: 3,
  encoderMs: 2,
  postprocessMs: 4,
  batchSize: 1,
  embeddingCached: false,
};
const identity = {
  name: 'kinds',
  version: 1,
  weightsSha256: 'a',
  baseName: 'tiny',
  baseVersion: 1,
  baseSha256: 'b',
  precision: 'float32',
};

interface Seen {
  pixels: Pixels;
  options: RunOptions;
}

function modelThatSays(probabilities: number[]): { model: ClassificationModel; seen: Seen[] } {
  const seen: Seen[] = [];
  const classify = (pixels: Pixels, options: RunOptions) => {
    seen.push({ pixels, options });
    return Promise.resolve({ probabilities: Float32Array.from(probabilities), timings });
  };
  return { model: { identity, classes: ['glioma', 'meningioma', 'none'], classify }, seen };
}

const memory = new MemoryBudget(2 ** 30);
/** An image as it comes out of a request. */
const sent = (encoded: Buffer) =>
  openImage({ source: 'encoded', encoded, pixelSpacing: null }, { ...DEFAULT_LIMITS, memory });

const options = (): RunOptions => ({ priority: 7 });

test('a classification names the most probable class and keeps the order of the model', async () => {
  const { png, width, height } = await discImage(20, 10);
  const { model, seen } = modelThatSays([0.25, 0.5, 0.25]);
  const answer = await classifyImage(model, { image: await sent(png), options }, memory);
  expect(answer.predicted).toBe('meningioma');
  expect(answer.classes).toEqual([
    { name: 'glioma', probability: 0.25 },
    { name: 'meningioma', probability: 0.5 },
    { name: 'none', probability: 0.25 },
  ]);
  expect(answer.timings).toMatchObject({ ...timings, encodeMs: 0 });
  expect(seen[0]).toMatchObject({ pixels: { width, height, channels: 3 }, options: { priority: 7 } });
});

test('of two equally probable classes names the first', async () => {
  const { png } = await discImage(20, 10);
  const { model } = modelThatSays([0.125, 0.4375, 0.4375]);
  expect((await classifyImage(model, { image: await sent(png), options }, memory)).predicted).toBe('meningioma');
});

test('a classification does not ask the model about an image that cannot be read', async () => {
  const { model, seen } = modelThatSays([1, 0, 0]);
  const image = await sent((await discImage(20, 10)).png.subarray(0, 200));
  await expect(classifyImage(model, { image, options }, memory)).rejects.toMatchObject({
    code: 'UNSUPPORTED_IMAGE',
  });
  expect(seen).toHaveLength(0);
});
