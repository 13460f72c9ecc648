import sharp from 'sharp';
import { InvalidInputError } from '../../../../services/common/errors';
import { decodeImage } from '../../../../services/imaging/decode';
import type { Pixels } from '../../../../services/imaging/pixels/pixels';
import { greyDicom, IMPLICIT } from '../../../support/dicom';
import { GREY, GREY_ALPHA, png, pngChunk, RGB, RGBA, tiff } from '../../../support/images';

const rgb = Buffer.from([10, 120, 30, 200, 100, 50, 1, 2, 3, 255, 0, 128]);
const noisy = (): Promise<Buffer> =>
  sharp({
    create: {
      width: 64,
      height: 64,
      channels: 3,
      background: '#000',
      noise: { type: 'gaussian', mean: 128, sigma: 30 },
    },
  })
    .png()
    .toBuffer();

const uint16 = (pixels: Pixels): number[] => [
  ...new Uint16Array(pixels.data.buffer, pixels.data.byteOffset, pixels.data.byteLength / 2),
];

async function failure(bytes: Uint8Array): Promise<InvalidInputError> {
  const error: unknown = await decodeImage(bytes).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InvalidInputError);
  expect((error as InvalidInputError).field).toBe('image');
  return error as InvalidInputError;
}

describe('decodeImage', () => {
  it('keeps the stored values of an 8-bit RGB PNG', async () => {
    const pixels = await decodeImage(png(2, 2, RGB, 8, rgb));
    expect({ ...pixels, data: [...pixels.data] }).toEqual({
      data: [...rgb],
      width: 2,
      height: 2,
      channels: 3,
      sampleType: 'uint8',
    });
  });

  it('does not apply an embedded colour profile', async () => {
    const tagged = await sharp(rgb, { raw: { width: 2, height: 2, channels: 3 } })
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const untagged = await sharp(tagged, { ignoreIcc: true }).raw().toBuffer();
    expect([...(await decodeImage(tagged)).data]).toEqual([...untagged]);
    expect([...untagged]).not.toEqual([...rgb]);
  });

  it('keeps 8-bit grey as one channel', async () => {
    const pixels = await decodeImage(png(2, 2, GREY, 8, Buffer.from([0, 77, 128, 255])));
    expect(pixels.channels).toBe(1);
    expect([...pixels.data]).toEqual([0, 77, 128, 255]);
  });

  it('keeps all bits of 16-bit grey PNG and TIFF', async () => {
    const values = [0, 1, 30_000, 65_535];
    const big = Buffer.alloc(8);
    values.forEach((value, index) => big.writeUInt16BE(value, index * 2));
    const little = Buffer.from(Uint16Array.from(values).buffer);
    const fromPng = await decodeImage(png(2, 2, GREY, 16, big));
    const fromTiff = await decodeImage(tiff({ width: 2, height: 2, bits: 16, sampleFormat: 1, data: little }));
    expect([fromPng.sampleType, fromPng.channels, uint16(fromPng)]).toEqual(['uint16', 1, values]);
    expect([fromTiff.sampleType, fromTiff.channels, uint16(fromTiff)]).toEqual(['uint16', 1, values]);
  });

  it('keeps all bits of 16-bit RGB', async () => {
    const values = [1, 2001, 4001, 60_001, 8001, 10_001];
    const big = Buffer.alloc(12);
    values.forEach((value, index) => big.writeUInt16BE(value, index * 2));
    const pixels = await decodeImage(png(2, 1, RGB, 16, big));
    expect([pixels.channels, uint16(pixels)]).toEqual([3, values]);
  });

  it('reads grey float TIFF as float', async () => {
    const values = Float32Array.from([0, 20.5, 254.75, 255]);
    const pixels = await decodeImage(
      tiff({ width: 2, height: 2, bits: 32, sampleFormat: 3, data: Buffer.from(values.buffer) }),
    );
    expect(pixels.sampleType).toBe('float32');
    expect([...new Float32Array(pixels.data.buffer, pixels.data.byteOffset, 4)]).toEqual([...values]);
  });

  it('drops alpha without blending', async () => {
    const colour = await decodeImage(png(2, 1, RGBA, 8, Buffer.from([10, 20, 30, 0, 40, 50, 60, 128])));
    expect([colour.channels, ...colour.data]).toEqual([3, 10, 20, 30, 40, 50, 60]);
    const grey = await decodeImage(png(2, 1, GREY_ALPHA, 8, Buffer.from([10, 0, 40, 128])));
    expect([grey.channels, ...grey.data]).toEqual([1, 10, 40]);
  });

  it('resolves a palette', async () => {
    const two = Buffer.from([1, 2, 3, 200, 100, 50, 200, 100, 50, 1, 2, 3]);
    const bytes = await sharp(two, { raw: { width: 2, height: 2, channels: 3 } })
      .png({ palette: true })
      .toBuffer();
    expect([...(await decodeImage(bytes)).data]).toEqual([...two]);
  });

  it('converts CMYK to RGB', async () => {
    const bytes = await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 60, b: 60 } } })
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    const pixels = await decodeImage(bytes);
    const [red = 0, green = 0, blue = 0] = pixels.data;
    expect(pixels.channels).toBe(3);
    expect(red).toBeGreaterThan(170);
    expect(green).toBeLessThan(100);
    expect(blue).toBeLessThan(100);
  });

  it('turns the image upright by its EXIF orientation', async () => {
    const bytes = await sharp(Buffer.from([0, 0, 0, 255, 255, 255]), { raw: { width: 2, height: 1, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const pixels = await decodeImage(bytes);
    expect([pixels.width, pixels.height]).toEqual([1, 2]);
    expect(pixels.data[0]).toBe(0);
  });

  it('goes by content, so lossless WebP needs no name', async () => {
    const bytes = await sharp(rgb, { raw: { width: 2, height: 2, channels: 3 } })
      .webp({ lossless: true })
      .toBuffer();
    expect([...(await decodeImage(bytes)).data]).toEqual([...rgb]);
  });

  it('rejects a file of 0 bytes', async () => {
    expect((await failure(Buffer.alloc(0))).message).toBe('The image is empty (0 bytes).');
  });

  it('rejects other encodings and names them', async () => {
    const gif = await sharp(rgb, { raw: { width: 2, height: 2, channels: 3 } })
      .gif()
      .toBuffer();
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    expect(await failure(gif)).toMatchObject({ code: 'UNSUPPORTED_IMAGE', message: expect.stringMatching(/GIF/) });
    expect(await failure(svg)).toMatchObject({ code: 'UNSUPPORTED_IMAGE', message: expect.stringMatching(/SVG/) });
    expect(await failure(Buffer.from('hello'))).toMatchObject({ code: 'UNSUPPORTED_IMAGE' });
  });

  const image = { width: 2, height: 2, values: [1, 2, 3, 4] };
  const META_BYTES = 128 + 4 + 8 + 20;
  it.each([
    ['with preamble and prefix', greyDicom(image)],
    ['without preamble', greyDicom(image).subarray(128)],
    ['without preamble and prefix', greyDicom(image).subarray(132)],
    ['as a bare data set', greyDicom(image).subarray(META_BYTES)],
    ['as a bare data set of implicit VR', greyDicom({ ...image, syntax: IMPLICIT }).subarray(META_BYTES - 2)],
  ])('names DICOM %s', async (_what, bytes) => {
    expect(await failure(bytes)).toMatchObject({
      code: 'UNSUPPORTED_IMAGE',
      message: expect.stringContaining('This is a DICOM file'),
    });
  });

  it('rejects a header of 60000 x 60000 before it decodes anything', async () => {
    const error = await failure(png(60_000, 60_000, RGB, 8, Buffer.alloc(0)));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('60000 x 60000');
  });

  it('rejects more bytes than allowed', async () => {
    await expect(decodeImage(png(2, 2, RGB, 8, rgb), { maxBytes: 20, maxPixels: 100 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('rejects an animated PNG', async () => {
    const bytes = png(2, 2, RGB, 8, rgb, [pngChunk('acTL', Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]))]);
    expect(await failure(bytes)).toMatchObject({
      code: 'UNSUPPORTED_IMAGE',
      message: expect.stringMatching(/animated/),
    });
  });

  it('rejects an animated WebP', async () => {
    const frames = await sharp(rgb, { raw: { width: 2, height: 2, channels: 3, pageHeight: 1 } })
      .webp({ loop: 0, lossless: true })
      .toBuffer();
    expect(await failure(frames)).toMatchObject({
      code: 'UNSUPPORTED_IMAGE',
      message: expect.stringMatching(/2 frames/),
    });
  });

  it('rejects a TIFF of several pages', async () => {
    const page = { width: 2, height: 2, bits: 8, sampleFormat: 1 as const, data: Buffer.from([1, 2, 3, 4]) };
    expect(await failure(tiff(page, page))).toMatchObject({
      code: 'UNSUPPORTED_IMAGE',
      message: expect.stringMatching(/2 pages/),
    });
  });

  it('takes the one whole page of a pyramid, wherever it is', async () => {
    const page = { bits: 8, sampleFormat: 1 as const };
    const whole = { ...page, width: 2, height: 2, data: Buffer.from([1, 2, 3, 4]), subfileType: 0 };
    const half = { ...page, width: 1, height: 1, data: Buffer.from([9]), subfileType: 1 };
    const mask = { ...page, width: 2, height: 2, data: Buffer.alloc(4), subfileType: 4 };
    for (const pages of [
      [whole, half, mask],
      [half, whole],
    ]) {
      const { data, width, height } = await decodeImage(tiff(...pages));
      expect([width, height, ...data]).toEqual([2, 2, 1, 2, 3, 4]);
    }
    expect(await failure(tiff(whole, half, whole))).toMatchObject({ message: expect.stringMatching(/2 pages/) });
  });

  it.each([
    [259, 50000, /compressed by Zstandard/],
    [259, 34661, /compressed by method 34661/],
    [262, 8, /CIELab/],
    [277, 5, /5 channels that are no colours/],
  ])('names what it does not read by tag %i = %i', async (tag, value, says) => {
    const bytes = tiff({ width: 2, height: 2, bits: 8, sampleFormat: 1, data: Buffer.alloc(20) });
    const entry = Array.from({ length: bytes.readUInt16LE(8) }, (_, at) => 10 + 12 * at).find(
      (at) => bytes.readUInt16LE(at) === tag,
    );
    bytes.writeUInt16LE(value, (entry ?? 0) + 8);
    expect(await failure(bytes)).toMatchObject({ message: expect.stringMatching(says) });
  });

  it.each([
    { bits: 16, sampleFormat: 3, says: /16-bit floating point/ },
    { bits: 64, sampleFormat: 3, says: /64-bit floating point/ },
    { bits: 12, sampleFormat: 1, says: /samples of 12 bits/ },
    { bits: 24, sampleFormat: 1, says: /samples of 24 bits/ },
    { bits: 8, sampleFormat: 2, says: /signed integers of 8 bits/ },
    { bits: 64, sampleFormat: 6, says: /complex/ },
  ] as const)('names $bits bits of sample format $sampleFormat instead of reading other values', async (given) => {
    const { bits, sampleFormat, says } = given;
    const data = Buffer.alloc(bits); // eight pixels
    expect(await failure(tiff({ width: 4, height: 2, bits, sampleFormat, data }))).toMatchObject({
      code: 'UNSUPPORTED_IMAGE',
      message: expect.stringMatching(says),
    });
  });

  it('reads big-endian TIFF and BigTIFF, and names tiles of separate planes', async () => {
    const big = Buffer.from([...'MM\0*'].map((char) => char.charCodeAt(0)).concat([0, 0, 0, 8]));
    const entries = [
      [256, 32],
      [257, 32],
      [258, 8],
      [277, 3],
      [284, 2],
      [322, 16],
    ];
    const directory = Buffer.alloc(2 + 12 * entries.length + 4);
    directory.writeUInt16BE(entries.length, 0);
    entries.forEach(([tag = 0, value = 0], index) => {
      directory.writeUInt16BE(tag, 2 + 12 * index);
      directory.writeUInt16BE(3, 4 + 12 * index);
      directory.writeUInt32BE(1, 6 + 12 * index);
      directory.writeUInt16BE(value, 10 + 12 * index);
    });
    expect(await failure(Buffer.concat([big, directory]))).toMatchObject({
      message: expect.stringMatching(/each colour in tiles of its own/),
    });
    const grey = { create: { width: 40, height: 30, channels: 3, background: { r: 10, g: 20, b: 30 } } } as const;
    const bigTiff = await sharp(grey).tiff({ bigtiff: true, compression: 'lzw', tile: true }).toBuffer();
    expect(bigTiff.readUInt16LE(2)).toBe(43);
    expect([...(await decodeImage(bigTiff)).data.subarray(0, 3)]).toEqual([10, 20, 30]);
  });

  it('calls a TIFF damaged whose directories lead nowhere or round in circles', async () => {
    const page = { width: 2, height: 2, bits: 8, sampleFormat: 1 as const, data: Buffer.from([1, 2, 3, 4]) };
    for (const next of [8, 1_000_000]) {
      const bytes = tiff(page);
      bytes.writeUInt32LE(next, 8 + 2 + 12 * 10);
      expect(await failure(bytes)).toMatchObject({ message: expect.stringMatching(/damaged or cut short/) });
    }
  });

  it('rejects signed and 32-bit integers', async () => {
    const signed = tiff({ width: 2, height: 1, bits: 16, sampleFormat: 2, data: Buffer.alloc(4) });
    const wide = tiff({ width: 2, height: 1, bits: 32, sampleFormat: 1, data: Buffer.alloc(8) });
    expect((await failure(signed)).code).toBe('UNSUPPORTED_IMAGE');
    expect((await failure(wide)).code).toBe('UNSUPPORTED_IMAGE');
  });

  it.each(['png', 'jpeg', 'webp', 'tiff'] as const)('rejects a %s that is cut short', async (format) => {
    const whole = await sharp(await noisy())
      .toFormat(format)
      .toBuffer();
    for (const part of [0.1, 0.5, 0.9]) {
      const error = await failure(whole.subarray(0, Math.floor(whole.length * part)));
      expect(error.code).toBe('UNSUPPORTED_IMAGE');
      expect(error.message).toMatch(/damaged or cut short/);
    }
  });
});
