import { decodeBmp, isBmp } from '../../../../services/imaging/bmp';
import { DEFAULT_LIMITS } from '../../../../services/imaging/decode';
import { bmp, type BmpPicture } from '../../../support/bmp';

const decode = (picture: BmpPicture, limits = DEFAULT_LIMITS): number[] => [...decodeBmp(bmp(picture), limits).data];
const greyRows = (...greys: number[]): number[] => greys.flatMap((grey) => [grey, grey, grey]);

it('reads colours as they are, padded rows and either order of rows', () => {
  const pixels = [0x0000ff, 0x00ff00, 0xff0000, 0x010203, 0x040506, 0x070809];
  const rgb = [0, 0, 255, 0, 255, 0, 255, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(decode({ width: 3, height: 2, bits: 24, pixels })).toEqual(rgb);
  expect(decode({ width: 3, height: 2, bits: 24, pixels, topDown: true })).toEqual(rgb);
});

it('looks colours up in the palette, wherever the pixels begin', () => {
  const greys = [0, 128, 255];
  const picture = { width: 2, height: 2, bits: 8, pixels: [2, 1, 0, 2], greys } as const;
  expect(decode(picture)).toEqual(greyRows(255, 128, 0, 255));
  expect(decode({ ...picture, gap: 10 })).toEqual(greyRows(255, 128, 0, 255));
});

it('reads images of one bit', () => {
  const pixels = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1];
  expect(decode({ width: 10, height: 1, bits: 1, pixels, greys: [0, 255] })).toEqual(
    greyRows(...pixels.map((bit) => 255 * bit)),
  );
});

it('refuses what is damaged, compressed, too large or uses colours that are not there', () => {
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

it('tells a BMP by its first two letters', () => {
  expect([isBmp(Buffer.from('BM..')), isBmp(Buffer.from('PNG')), isBmp(Buffer.alloc(0))]).toEqual([true, false, false]);
});
