import { encodeRle, packBits } from '../../../../services/imaging/mask-codes';
import { pixelPool } from '../../../../services/imaging/pixel-pool';
import { rearrange } from '../../../../services/imaging/rearrange';

const [width, height] = [150, 100];
const mask = Uint8Array.from({ length: width * height }, (_, at) => (at % 7 === 0 || at > 9_000 ? 1 : 0));

/** What a call answers, and how many tasks the threads have finished for it. */
async function counted<T>(call: () => Promise<T>): Promise<{ answer: T; tasks: number }> {
  const before = pixelPool.completed;
  const answer = await call();
  return { answer, tasks: pixelPool.completed - before };
}

test('run-length encoding and packing are done by the threads, as they would be here', async () => {
  expect(await counted(() => pixelPool.rle(mask, width, height))).toEqual({
    answer: encodeRle(mask, width, height),
    tasks: 1,
  });
  expect(await counted(() => pixelPool.bits(mask, width, height))).toEqual({ answer: packBits(mask), tasks: 1 });
});

test('samples are put in order by the threads; a view into a message is read as the view that it is', async () => {
  const message = Buffer.from([9, 9, 9, 1, 2, 3, 4, 5, 6, 9]);
  const order = { pixelCount: 2, channels: 3, sampleBytes: 1, planar: true, order: [2, 1, 0] };
  const { answer, tasks } = await counted(() => pixelPool.rearrange(message.subarray(3, 9), order));
  expect([answer, tasks]).toEqual([Uint8Array.from([5, 3, 1, 6, 4, 2]), 1]);
  expect(answer).toEqual(rearrange(message.subarray(3, 9), order));
  expect([...message]).toEqual([9, 9, 9, 1, 2, 3, 4, 5, 6, 9]);
});

test('many at a time are all answered, each with its own', async () => {
  const masks = Array.from({ length: 20 }, (_, n) => mask.map((value) => (n % 2 === 0 ? value : 1 - value)));
  const answers = await Promise.all(masks.map((each) => pixelPool.rle(each, width, height)));
  expect(answers).toEqual(masks.map((each) => encodeRle(each, width, height)));
});

test('a mask of another size is refused with its code', async () => {
  await expect(pixelPool.rle(mask, 3, 3)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
});
