// The one way from bytes to pixels: what is read is what the caller allows, and a header says what decoding takes.

import { deflateRawSync } from 'node:zlib';
import { DEFAULT_LIMITS } from '../../../../services/imaging/decode';
import { DicomError } from '../../../../services/imaging/dicom';
import { openFile, readImage, type ReadOptions } from '../../../../services/imaging/read-image';
import { bmp } from '../../../support/bmp';
import { dicomFile, greyDicom, greyElements } from '../../../support/dicom';
import { discImage } from '../../../support/stack-images';

const SIDE = 100;
const values = Array.from({ length: SIDE * SIDE }, (_, at) => at % 4096);
const image = { width: SIDE, height: SIDE };
const slice = greyDicom({ ...image, values });
const pictures: ReadOptions = { limits: DEFAULT_LIMITS };
const all: ReadOptions = { ...pictures, also: ['BMP', 'DICOM'] };
const JPEG = '1.2.840.10008.1.2.4.70';
const DEFLATED = '1.2.840.10008.1.2.1.99';

/** Where the data set of a Part 10 file begins: preamble, prefix and the one element of its meta information. */
function deflated(more: Buffer = Buffer.alloc(0)): Buffer {
  const elements = { ...greyElements(image), '7fe00010': ['OW', values] } as const;
  const [plain, meta] = [dicomFile(elements, DEFLATED), dicomFile({}, DEFLATED)];
  const body = Buffer.concat([plain.subarray(meta.length), more]);
  return Buffer.concat([meta, deflateRawSync(body)]);
}

test('the reader reads BMP and DICOM only for those who take them', async () => {
  const picture = bmp({ width: 2, height: 1, bits: 24, pixels: [0x010203, 0x040506] });
  expect((await readImage(picture, all)).pixels).toMatchObject({ width: 2, height: 1, channels: 3 });
  await expect(readImage(picture, pictures)).rejects.toThrow('This is a BMP file; PNG, JPEG, TIFF and WebP are');
  const shown = await readImage(Buffer.from(slice), all);
  expect(shown).toMatchObject({ pixels: { width: SIDE, channels: 1 }, source: { frame: 0, frames: 1 } });
  await expect(readImage(Buffer.from(slice), pictures)).rejects.toThrow('PNG, JPEG, TIFF and WebP are accepted');
  await expect(openFile(slice, pictures)).rejects.toMatchObject({ code: 'UNSUPPORTED_IMAGE', field: 'image' });
  const { png } = await discImage(20, 10);
  expect((await readImage(png, all)).source).toBeUndefined();
});

test('what a header says of a DICOM file is decoded to what the file is read as, and the file stays', async () => {
  const bytes = Buffer.from(slice);
  const opened = await openFile(bytes, all);
  expect(opened).toMatchObject({ width: SIDE, height: SIDE, source: { sopInstanceUid: '1.2.3.4' } });
  const decoded = await opened.decode();
  expect(bytes.equals(slice)).toBe(true);
  expect(decoded).toEqual((await readImage(bytes, all)).pixels);
});

test('of several frames a header is of the first, and a picture of the only one', async () => {
  const loop = greyDicom({ width: 2, height: 1, bits: 8, frames: 2, values: [1, 2, 3, 4] });
  expect([...(await (await openFile(loop, all)).decode()).data]).toEqual([1, 2]);
  expect([...(await (await openFile(loop, { ...all, frame: 1 })).decode()).data]).toEqual([3, 4]);
  await expect(readImage(Buffer.from(loop), all)).rejects.toMatchObject({ defect: 'FRAME' });
});

test.each<[string, Buffer, number]>([
  ['pixels as they are', slice, 1],
  // Its fragments are put together.
  ['a compressed frame', dicomFile(greyElements(image), JPEG, [Buffer.alloc(5000)]), 2],
])('the header says what decoding takes: %s', async (_what, bytes, copies) => {
  const { decodeBytes } = await openFile(bytes, all);
  // The file, and of each pixel what is stored, twice, and what is shown.
  expect(decodeBytes - copies * bytes.length).toBeGreaterThanOrEqual(SIDE * SIDE * (2 * 2 + 1));
  expect(decodeBytes - copies * bytes.length).toBeLessThan(SIDE * SIDE * 32);
});

test('a deflated file is read, and takes the memory of what it inflates to', async () => {
  const bytes = deflated();
  const opened = await openFile(bytes, all);
  expect(await opened.decode()).toEqual((await readImage(Buffer.from(slice), all)).pixels);
  expect(opened.decodeBytes).toBeGreaterThan(bytes.length + 4 * SIDE * SIDE * 2);
});

test('a deflated file may not inflate to far more than its header promises', async () => {
  const bomb = deflated(Buffer.alloc(40 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(100_000);
  const opened = await openFile(bomb, all);
  expect(opened.decodeBytes).toBeLessThan(4 * 1024 * 1024);
  const error: unknown = await opened.decode().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DicomError);
  expect(error).toMatchObject({ defect: 'TOO_LARGE', code: 'INVALID_ARGUMENT' });
});

test('limits of a caller hold for DICOM files, too', async () => {
  const limited = (limits: object): ReadOptions => ({
    ...all,
    dicomLimits: { maxBytes: 1_000_000, maxPixels: 1_000_000, maxFrames: 1, ...limits },
  });
  await expect(openFile(slice, limited({ maxBytes: 1000 }))).rejects.toThrow('at most 1000 are accepted');
  await expect(openFile(slice, limited({ maxPixels: 9999 }))).rejects.toThrow('at most 9999 pixels are accepted');
  const loop = greyDicom({ width: 2, height: 1, bits: 8, frames: 2, values: [1, 2, 3, 4] });
  await expect(openFile(loop, limited({}))).rejects.toThrow('at most 1 are accepted');
});
