import type { RawPixels__Output } from '../../../../proto/gen/automed/common/v1/RawPixels';
import { inspectRawPixels } from '../../../../services/imaging/raw-pixels';

const limits = { maxBytes: 1 << 20, maxPixels: 1000 };

function raw(fields: Partial<RawPixels__Output>): RawPixels__Output {
  return {
    data: Buffer.from([1, 2, 3, 4, 5, 6]),
    widthPx: 2,
    heightPx: 1,
    pixelFormat: 'PIXEL_FORMAT_RGB',
    sampleType: 'SAMPLE_TYPE_UINT8',
    layout: 'PIXEL_LAYOUT_UNSPECIFIED',
    ...fields,
  };
}

const pixelsOf = (fields: Partial<RawPixels__Output>) => inspectRawPixels(raw(fields), limits).decode();

test('the reader of raw pixels takes interleaved pixels as they are', async () => {
  const data = Buffer.from([1, 2, 3, 4, 5, 6]);
  const pixels = await pixelsOf({ data });
  expect(pixels).toEqual({ data, width: 2, height: 1, channels: 3, sampleType: 'uint8' });
});

test('interleaves planar pixels', async () => {
  const pixels = await pixelsOf({ layout: 'PIXEL_LAYOUT_PLANAR' });
  expect([...pixels.data]).toEqual([1, 3, 5, 2, 4, 6]);
});

test('the reader of raw pixels turns BGR into RGB', async () => {
  expect([...(await pixelsOf({ pixelFormat: 'PIXEL_FORMAT_BGR' })).data]).toEqual([3, 2, 1, 6, 5, 4]);
});

test('the reader of raw pixels turns planar BGR into RGB', async () => {
  const fields = { pixelFormat: 'PIXEL_FORMAT_BGR', layout: 'PIXEL_LAYOUT_PLANAR' } as const;
  expect([...(await pixelsOf(fields)).data]).toEqual([5, 3, 1, 6, 4, 2]);
});

test('the reader of raw pixels keeps the bytes of a 16-bit sample together when it moves them', async () => {
  const fields = {
    data: Buffer.from([1, 0, 2, 0, 3, 0, 4, 0]),
    pixelFormat: 'PIXEL_FORMAT_GRAY_ALPHA',
    sampleType: 'SAMPLE_TYPE_UINT16',
    layout: 'PIXEL_LAYOUT_PLANAR',
  } as const;
  expect([...(await pixelsOf(fields)).data]).toEqual([1, 0, 3, 0, 2, 0, 4, 0]);
});

test('the reader of raw pixels gives native code samples at aligned addresses', async () => {
  const data = Buffer.from(new ArrayBuffer(32), 3, 8);
  const fields = { data, pixelFormat: 'PIXEL_FORMAT_GRAY', sampleType: 'SAMPLE_TYPE_FLOAT32' } as const;
  expect((await pixelsOf(fields)).data.byteOffset % 4).toBe(0);
});

test('the reader of raw pixels says what laying them out takes: nothing where the engine takes them as they are', () => {
  const bytes = (fields: Partial<RawPixels__Output>) => inspectRawPixels(raw(fields), limits).decodeBytes;
  expect([bytes({}), bytes({ layout: 'PIXEL_LAYOUT_PLANAR' }), bytes({ pixelFormat: 'PIXEL_FORMAT_BGR' })]).toEqual([
    0, 12, 12,
  ]);
});

test.each([
  ['a length that does not match', { data: Buffer.alloc(5) }, 'SHAPE_MISMATCH', 'image.raw.data'],
  ['no bytes', { data: Buffer.alloc(0) }, 'SHAPE_MISMATCH', 'image.raw.data'],
  ['an undeclared format', { pixelFormat: 'PIXEL_FORMAT_UNSPECIFIED' }, 'INVALID_ARGUMENT', 'image.raw.pixel_format'],
  ['an undeclared type', { sampleType: 'SAMPLE_TYPE_UNSPECIFIED' }, 'INVALID_ARGUMENT', 'image.raw.sample_type'],
  ['a width of 0', { widthPx: 0 }, 'INVALID_ARGUMENT', 'image.raw.width_px'],
  ['a negative height', { heightPx: -1 }, 'INVALID_ARGUMENT', 'image.raw.height_px'],
  ['more pixels than allowed', { widthPx: 60_000, heightPx: 60_000 }, 'INVALID_ARGUMENT', 'image.raw.width_px'],
  ['a layout of a later version', { layout: 9 as never }, 'INVALID_ARGUMENT', 'image.raw.layout'],
] as const)('refuses %s and names the field', (_what, fields, code, field) => {
  expect(() => inspectRawPixels(raw(fields as Partial<RawPixels__Output>), limits)).toThrow(
    expect.objectContaining({ code, field }),
  );
});
