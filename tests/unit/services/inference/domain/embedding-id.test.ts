import { embeddingId, embeddingKey } from '../../../../../services/inference/domain/embedding-id';
import type { Pixels } from '../../../../../services/imaging/pixels/pixels';

const origin = { baseSha256: 'a'.repeat(64), precision: 'float32', preprocessing: '{"fit":"stretch"}' };
const pixels: Pixels = { data: new Uint8Array(24).fill(7), width: 4, height: 2, channels: 3, sampleType: 'uint8' };

test('the same pixels, base and precision have the same id', async () => {
  const copy = { ...pixels, data: Uint8Array.from(pixels.data) };
  expect(await embeddingId(copy, { ...origin })).toBe(await embeddingId(pixels, origin));
});

test.each<[string, Partial<Pixels>, Partial<typeof origin>]>([
  ['a pixel', { data: Uint8Array.from(pixels.data, (value, at) => (at === 23 ? 8 : value)) }, {}],
  ['the layout of the same bytes', { width: 2, height: 4 }, {}],
  ['the channels of the same bytes', { width: 24, height: 1, channels: 1 }, {}],
  ['the type of the same bytes', { width: 4, height: 1, sampleType: 'uint16' }, {}],
  ['the base', {}, { baseSha256: 'b'.repeat(64) }],
  ['the precision', {}, { precision: 'bfloat16' }],
  ['the preprocessing', {}, { preprocessing: '{"fit":"stretch","channels":"bgr"}' }],
])('another id when %s differs', async (_what, change, elsewhere) => {
  const other = await embeddingId({ ...pixels, ...change }, { ...origin, ...elsewhere });
  expect(other).not.toBe(await embeddingId(pixels, origin));
  expect(other).toMatch(/^[\w-]{43}$/);
});

test('images of many chunks are hashed whole', async () => {
  const large = new Uint8Array(9_000_000);
  const wide: Pixels = { data: large, width: 3000, height: 1000, channels: 3, sampleType: 'uint8' };
  const before = await embeddingId(wide, origin);
  large[8_999_999] = 1;
  expect(await embeddingId(wide, origin)).not.toBe(before);
});

test('levels that the encoder sees rounded have the id of their 8 bits, and exact ones another', async () => {
  const values = new Uint16Array(2200 * 2000); // of several pieces in either depth
  const levels = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at += 1) {
    const value = (at * 40_503) % 65_536;
    values[at] = value;
    levels[at] = Math.round(value / 257);
  }
  const shape = { width: 2200, height: 2000, channels: 1 } as const;
  const data = new Uint8Array(values.buffer);
  const deep: Pixels = { ...shape, data, sampleType: 'uint16', window: { low: 0, high: 65_535 } };
  const picture: Pixels = { ...shape, data: levels, sampleType: 'uint8' };
  expect(await embeddingId(deep, origin)).toBe(await embeddingId(picture, origin));
  const exact = { ...origin, preprocessing: '{"fit":"stretch","levels":"exact"}' };
  expect(await embeddingId(deep, exact)).not.toBe(await embeddingId(picture, exact));
  const narrower = { ...deep, window: { low: 0, high: 4095 } };
  expect(await embeddingId(narrower, exact)).not.toBe(await embeddingId(deep, exact));
});

test('an id is not looked up under another base', () => {
  expect(embeddingKey('x', origin)).not.toBe(embeddingKey('x', { ...origin, baseSha256: 'c' }));
  expect(embeddingKey('x', origin)).not.toBe(embeddingKey('x', { ...origin, preprocessing: 'c' }));
});
