// What one process admits at once: images whose pixels are far larger than their files, and answers of many masks.

import sharp from 'sharp';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';
import { interactiveClient, segmentationClient } from '../../support/api-clients';

const SIDE = 2400;
/** Decoded, with the mask of the answer and the one that is being encoded. */
const REQUEST_BYTES = SIDE * SIDE * (3 + 2);
const BUDGET = Math.floor(2.5 * REQUEST_BYTES);

const home = temporaryFolder();
let program: Program;
let segmentation: ReturnType<typeof segmentationClient>;
let interactive: ReturnType<typeof interactiveClient>;

beforeAll(async () => {
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_REQUEST_MEMORY_BYTES: String(BUDGET) });
  segmentation = segmentationClient(program.address);
  interactive = interactiveClient(program.address);
});

afterAll(async () => {
  for (const client of [segmentation, interactive]) client.close();
  expect(await program.stop()).toBe(0);
});

async function metric(name: string, of = program): Promise<number> {
  const url = `http://${of.metricsAddress}/metrics`;
  const text = await (await fetch(url, { headers: { connection: 'close' } })).text();
  const line = text.split('\n').find((each) => each.startsWith(`automed_${name}{`));
  return Number(line?.split(' ').at(-1));
}

/** Small files of large images, each of another colour. */
const large = (count: number): Promise<Buffer[]> =>
  Promise.all(
    Array.from({ length: count }, (_, red) =>
      sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: { r: red, g: 0, b: 0 } } })
        .png()
        .toBuffer(),
    ),
  );

test('14 small files of large images at once stay within the budget, and all are answered', async () => {
  const files = await large(14);
  expect(Math.max(...files.map(({ length }) => length))).toBeLessThan(100_000);
  const answers = await Promise.all(
    files.map((encoded) => segmentation.unary('Segment', { model: 'polyp', image: { encoded } })),
  );
  expect(answers.map(({ masks }) => masks[0]?.widthPx)).toEqual(files.map(() => SIDE));
  const peak = await metric('request_memory_peak_bytes');
  expect([peak > 2 * REQUEST_BYTES, peak <= BUDGET]).toEqual([true, true]);
  expect([await metric('request_memory_bytes'), await metric('request_memory_limit_bytes')]).toEqual([0, BUDGET]);
});

test('what fails gives its memory back', async () => {
  const [file = Buffer.alloc(0)] = await large(1);
  const broken = { model: 'polyp', image: { encoded: file.subarray(0, file.length - 100) } };
  await expect(segmentation.unary('Segment', broken)).rejects.toMatchObject({ code: 'UNSUPPORTED_IMAGE' });
  const outside = { model: 'tiny', image: { encoded: file }, points: [{ xPx: SIDE, yPx: 0 }] };
  await expect(interactive.unary('PredictMasks', outside)).rejects.toMatchObject({ field: 'points[0].x_px' });
  expect(await metric('request_memory_bytes')).toBe(0);
});

test('more waiting requests than the queue has places are refused with a time to come back', async () => {
  const mine = await startProgram('inference', {
    AUTOMED_HOME: home,
    AUTOMED_PRELOAD: 'polyp',
    AUTOMED_REQUEST_MEMORY_BYTES: String(BUDGET),
    AUTOMED_QUEUE_CAPACITY: '3',
  });
  const client = segmentationClient(mine.address);
  const calls = (await large(14)).map((encoded) => client.unary('Segment', { model: 'polyp', image: { encoded } }));
  const settled = await Promise.allSettled(calls);
  const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  expect(refused.length).toBeGreaterThan(0);
  expect(settled.length - refused.length).toBeGreaterThanOrEqual(5); // two admitted and three that waited, at least
  for (const each of refused) {
    expect(each).toMatchObject({
      // By the queue when they arrive, or by the memory once they are read.
      code: expect.stringMatching(/^(QUEUE_FULL|OUT_OF_MEMORY)$/) as string,
      retryAfterMs: expect.any(Number) as number,
    });
  }
  const counted = ['requests_refused_for_memory_total', 'requests_refused_for_time_total'];
  const refusals = await Promise.all(counted.map((name) => metric(name, mine)));
  expect(refusals.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(refused.length);
  expect(await metric('request_memory_bytes', mine)).toBe(0);
  client.close();
  expect(await mine.stop()).toBe(0);
});

test('masks that the budget cannot hold are refused before they are drawn', async () => {
  const [encoded = Buffer.alloc(0)] = await large(1);
  const { embeddingId } = await interactive.unary('EncodeImage', { model: 'tiny', image: { encoded } });
  const box = { x0Px: 0, y0Px: 0, x1Px: SIDE, y1Px: SIDE };
  const boxes = { model: 'tiny', boxes: Array.from({ length: 64 }, () => box), multimask: true };
  for (const source of [{ embeddingId }, { image: { encoded } }]) {
    await expect(interactive.unary('PredictMasks', { ...boxes, ...source })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'image',
      message: expect.stringContaining(`at most ${BUDGET}`) as string,
    });
  }
  const answer = await interactive.unary('PredictMasks', { model: 'tiny', boxes: [box], embeddingId });
  expect(answer.masks).toHaveLength(1);
});

test('everything mode answers as many masks as a quarter of the budget holds, and names the bound', async () => {
  const { png } = await discImage(2400, 1800);
  const lenient = { minPredictedIou: 0, minStability: 0, nmsIou: 1, pointsPerSide: 4 };
  const request = { model: 'tiny', image: { encoded: png }, ...lenient };
  const fitting = Math.floor(BUDGET / 4 / (2400 * 1800));
  await expect(interactive.unary('SegmentEverything', request)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'min_stability',
    message: expect.stringContaining(`at most ${fitting} of an image of this size`) as string,
  });
  const small = await discImage(120, 90);
  const found = await interactive.unary('SegmentEverything', { ...request, image: { encoded: small.png } });
  expect(found.masks.length).toBeGreaterThan(fitting);
});
