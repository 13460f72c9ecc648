import sharp from 'sharp';
import { MemoryBudget } from '../../../../services/common/memory-budget';
import { DEFAULT_LIMITS, inspectImage } from '../../../../services/imaging/decode';
import {
  openImage,
  useImage as useOpened,
  useMaskMemory,
  type Admission,
  type ImageField,
  type ImageInput,
} from '../../../../services/imaging/image-input';
import { png, RGB } from '../../../support/images';

const SIDE = 1000;
const DECODED = SIDE * SIDE * 3;
const wait = () => ({});
const noMasks: Admission = { masks: 0, wait };
const sent = (encoded: Buffer) => ({ source: 'encoded' as const, encoded, pixelSpacing: null });
async function useImage<T>(
  image: ImageField,
  memory: MemoryBudget,
  admission: Admission,
  use: (input: ImageInput) => Promise<T>,
): Promise<T> {
  return useOpened(await openImage(image, { ...DEFAULT_LIMITS, memory }), memory, admission, use);
}
const blank = (pipeline: (image: sharp.Sharp) => sharp.Sharp): Promise<Buffer> =>
  pipeline(sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#000' } })).toBuffer();

test.each<[string, (image: sharp.Sharp) => sharp.Sharp, number]>([
  ['a PNG', (image) => image.png(), DECODED],
  ['a PNG with alpha, which is dropped row by row', (image) => image.ensureAlpha().png(), DECODED],
  ['a PNG of 16 bits', (image) => image.toColourspace('rgb16').png(), 2 * DECODED],
  ['a grey PNG', (image) => image.toColourspace('b-w').png(), DECODED / 3],
  ['an interlaced PNG, held whole', (image) => image.png({ progressive: true }), 2 * DECODED],
  ['a JPEG', (image) => image.jpeg(), DECODED],
  ['a progressive JPEG, with its coefficients', (image) => image.jpeg({ progressive: true }), 3 * DECODED],
  ['a JPEG that is turned', (image) => image.withMetadata({ orientation: 6 }).jpeg(), 3 * DECODED],
  ['a TIFF, which may be one strip', (image) => image.tiff(), 2 * DECODED],
  ['a WebP', (image) => image.webp(), 2 * DECODED],
])('the header of %s says what decoding takes', async (_what, pipeline, bytes) => {
  expect((await inspectImage(await blank(pipeline), DEFAULT_LIMITS)).decodeBytes).toBe(bytes);
});

test('reserves the message, the pixels and the masks before decoding, and gives them back', async () => {
  const encoded = await blank((image) => image.png());
  const memory = new MemoryBudget(2 ** 30);
  const bytes = encoded.length + DECODED + 4 * SIDE * SIDE; // three masks, and one that is being encoded
  const seen = await useImage(sent(encoded), memory, { masks: 3, wait }, (input) =>
    Promise.resolve({ input, held: memory.heldBytes }),
  );
  expect(seen).toMatchObject({ held: bytes, input: { masks: 3, pixels: { width: SIDE, height: SIDE } } });
  expect(memory.heldBytes).toBe(0);
});

test('reserves raw pixels, and twice more where another thread moves them', async () => {
  const memory = new MemoryBudget(2 ** 20);
  const raw = { data: Buffer.alloc(300), widthPx: 10, heightPx: 10, pixelFormat: 'PIXEL_FORMAT_RGB' } as const;
  const held = (layout: 'PIXEL_LAYOUT_PLANAR' | 'PIXEL_LAYOUT_INTERLEAVED') =>
    useImage(
      { source: 'raw', raw: { ...raw, sampleType: 'SAMPLE_TYPE_UINT8', layout }, pixelSpacing: null },
      memory,
      noMasks,
      () => Promise.resolve(memory.heldBytes),
    );
  expect([await held('PIXEL_LAYOUT_INTERLEAVED'), await held('PIXEL_LAYOUT_PLANAR')]).toEqual([300, 900]);
});

test.each<[string, () => Promise<Buffer>, (input: ImageInput) => Promise<unknown>, string]>([
  [
    'the image is damaged',
    () => Promise.resolve(png(SIDE, SIDE, RGB, 8, Buffer.alloc(3))),
    () => Promise.resolve(),
    'damaged',
  ],
  ['the work fails', () => blank((image) => image.png()), () => Promise.reject(new Error('no')), 'no'],
])('gives the memory back when %s', async (_what, encoded, use, message) => {
  const memory = new MemoryBudget(2 ** 30);
  await expect(useImage(sent(await encoded()), memory, noMasks, use)).rejects.toThrow(message);
  expect([memory.heldBytes, memory.peakBytes > DECODED]).toEqual([0, true]);
});

test('images beyond the budget wait for those before them; one that is larger than the budget is refused', async () => {
  const encoded = await blank((image) => image.png());
  const memory = new MemoryBudget(2.5 * DECODED);
  let decoded = 0;
  await Promise.all(
    Array.from({ length: 14 }, () =>
      useImage(sent(encoded), memory, noMasks, async () => {
        decoded += 1;
        expect(memory.heldBytes).toBeLessThanOrEqual(memory.limitBytes);
        await new Promise(setImmediate);
      }),
    ),
  );
  expect([decoded, memory.heldBytes, memory.refusedCount]).toEqual([14, 0, 0]);
  expect(memory.peakBytes).toBeLessThanOrEqual(memory.limitBytes);
  const refused = useImage(sent(encoded), memory, { masks: 10, wait }, () => Promise.resolve());
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'image' });
  const masks = useMaskMemory(memory, { width: SIDE, height: SIDE }, { masks: 10, wait }, () => Promise.resolve());
  await expect(masks).rejects.toThrow('An answer of 10 mask(s) of 1000 x 1000 pixels needs 11000000 bytes');
});

test('the message of a request that waits for memory is counted, until it goes on', async () => {
  const encoded = await blank((image) => image.png());
  const memory = new MemoryBudget(encoded.length + DECODED);
  const first = await memory.reserve(1, 'another request');
  const answer = useImage(sent(encoded), memory, noMasks, () => Promise.resolve(memory.waitingBytes));
  while (memory.waitingCount === 0) await new Promise(setImmediate);
  expect([memory.waitingBytes, memory.heldBytes]).toEqual([encoded.length, 1]);
  first.release();
  expect(await answer).toBe(0);
});
