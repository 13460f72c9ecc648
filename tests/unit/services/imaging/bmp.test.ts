import { decodeBmp, isBmp } from '../../../../services/imaging/bmp';
import { DEFAULT_LIMITS } from '../../../../services/imaging/decode';
import { bmp, type BmpPicture } from '../../../support/bmp';

const decode = (picture: BmpPicture, limits = DEFAULT_LIMITS): number[] => [...decodeBmp(bmp(picture), limits).data];
const greyRows = (...greys: number[]): number[] => greys.flatMap((grey) => [grey, grey, grey]);

it('the BMP reader reads colours as they are, padded rows and either order of rows', () => {
  const pixels = [0x0000ff, 0x00ff00, 0xff0000, 0x010203, 0x040506, 0x070809];
  const rgb = [0, 0, 255, 0, 255, 0, 255, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(decode({ width: 3, height: 2, bits: 24, pixels })).toEqual(rgb);
  expect(decode({ width: 3, height: 2, bits: 24, pixels, topDown: true })).toEqual(rgb);
});

it('the BMP reader looks colours up in the palette, wherever the pixels begin', () => {
  const greys = [0, 128, 255];
  const picture = { width: 2, height: 2, bits: 8, pixels: [2, 1, 0, 2], greys } as const;
  expect(decode(picture)).toEqual(greyRows(255, 128, 0, 255));
  expect(decode({ ...picture, gap: 10 })).toEqual(greyRows(255, 128, 0, 255));
});

it('the BMP reader reads images of one bit', () => {
  const pixels = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1];
  expect(decode({ width: 10, height: 1, bits: 1, pixels, greys: [0, 255] })).toEqual(
    greyRows(...pixels.map((bit) => 255 * bit)),
  );
});

it('the BMP reader refuses what is damaged, compressed, too large or uses colours that are not there', () => {
  const good: BmpPicture = { width: 2, height: 2, bits: 8, pixels: [0, 1, 0, 1], greys: [0, 255] };
  const refused = (bytes: Buffer, message: RegExp, limits = DEFAULT_LIMITS): void => {
    expect(() => decodeBmp(bytes, limits)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
  };
  refused(bmp(good).subarray(0, 20), /cut short/);
  refused(bmp(good).subarray(0, -1), /cut short/);
  refused(bmp({ ...good, pixels: [0, 1, 7, 1] }), /palette lacks/);
  const compressed = bmp(good);
  compressed.writeUInt32LE(1, 30);
  refused(compressed, /compressed/);
  const huge = bmp(good);
  huge.writeInt32LE(60_000, 18);
  huge.writeInt32LE(60_000, 22);
  refused(huge, /60000 x 60000/);
  const negative = bmp(good);
  negative.writeInt32LE(-4, 18);
  refused(negative, /its size is -4 x 2/);
});

/** 2 x 1 pixels of 32 bits behind a header of 108 bytes (BITMAPV4HEADER) with these masks. */
function bitFields(masks: readonly number[], pixels: readonly number[], { compression = 3, bits = 32 } = {}): Buffer {
  const bytes = Buffer.alloc(14 + 108 + 4 * pixels.length);
  bytes.write('BM');
  bytes.writeUInt32LE(14 + 108, 10);
  bytes.writeUInt32LE(108, 14);
  bytes.writeInt32LE(pixels.length, 18);
  bytes.writeInt32LE(1, 22);
  bytes.writeUInt16LE(bits, 28);
  bytes.writeUInt32LE(compression, 30);
  masks.forEach((mask, index) => bytes.writeUInt32LE(mask, 54 + 4 * index));
  pixels.forEach((pixel, index) => bytes.writeUInt32LE(pixel, 14 + 108 + 4 * index));
  return bytes;
}

it('the BMP reader reads bit fields of eight bits in any order', () => {
  const read = (bytes: Buffer): number[] => [...decodeBmp(bytes, DEFAULT_LIMITS).data];
  expect(read(bitFields([0xff0000, 0xff00, 0xff, 0xff000000], [0xff010203, 0x00040506]))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(read(bitFields([0xff, 0xff00, 0xff0000], [0x030201, 0x060504]))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(read(bitFields([0xff000000, 0xff0000, 0xff00], [0x01020300, 0x04050600]))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(() => read(bitFields([0x7c00, 0x3e0, 0x1f], [0]))).toThrow(/bit fields of other than 8 bits/);
  expect(() => read(bitFields([0xff, 0xff, 0xff0000], [0]))).toThrow(/bit fields of other than 8 bits/);
  expect(() => read(bitFields([0xf800, 0x7e0, 0x1f], [0], { bits: 16 }))).toThrow(/bit fields of 16 bits/);
  expect(() => read(bitFields([], [0], { compression: 5 }))).toThrow(/compressed \(PNG\)/);
});

it('the BMP reader reads the header of OS/2, with colours and with a palette of three bytes each', () => {
  const os2 = (bits: number, palette: readonly number[], row: readonly number[]): Buffer => {
    const offset = 14 + 12 + palette.length;
    const bytes = Buffer.alloc(offset + 2 * row.length);
    bytes.write('BM');
    bytes.writeUInt32LE(offset, 10);
    bytes.writeUInt32LE(12, 14);
    [2, 2, 1, bits].forEach((value, index) => bytes.writeUInt16LE(value, 18 + 2 * index));
    Buffer.from(palette).copy(bytes, 26);
    Buffer.from([...row, ...row]).copy(bytes, offset);
    return bytes;
  };
  const colours = [...decodeBmp(os2(24, [], [3, 2, 1, 6, 5, 4, 0, 0]), DEFAULT_LIMITS).data];
  expect(colours).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  const indexed = os2(8, [3, 2, 1, 6, 5, 4], [1, 0, 0, 0]);
  expect([...decodeBmp(indexed, DEFAULT_LIMITS).data]).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3]);
  expect(() => decodeBmp(os2(8, [3, 2, 1], [1, 0, 0, 0]), DEFAULT_LIMITS)).toThrow(/palette lacks/);
});

it('the BMP reader tells a BMP by its first two letters', () => {
  expect([isBmp(Buffer.from('BM..')), isBmp(Buffer.from('PNG')), isBmp(Buffer.alloc(0))]).toEqual([true, false, false]);
});
