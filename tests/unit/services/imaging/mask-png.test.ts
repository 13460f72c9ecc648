import sharp from 'sharp';
import { Random } from '../../../../services/common/random';
import { decodeMask, encodeMaskPng } from '../../../../services/imaging/mask';
import { packRows } from '../../../../services/imaging/mask-png';
import { pixelPool } from '../../../../services/imaging/pixel-pool';

function randomMask(length: number, foreground: readonly number[] = [1]): Uint8Array {
  const random = new Random(length);
  return Uint8Array.from({ length }, () =>
    random.chance(0.4) ? foreground[random.integer(0, foreground.length - 1)]! : 0,
  );
}

describe('a mask as PNG', () => {
  it('has one bit a pixel, which readers answer as 0 and 255', async () => {
    const bytes = await encodeMaskPng(Uint8Array.from([0, 1, 1, 0, 0, 1]), 3, 2);
    expect([bytes[24], bytes[25]]).toEqual([1, 0]); // bit depth, grey
    const { data, info } = await sharp(bytes).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(1);
    expect([...data]).toEqual([0, 255, 255, 0, 0, 255]);
  });

  it.each([
    [1, 1],
    [7, 3],
    [8, 5],
    [9, 4],
    [16, 16],
    [31, 2],
    [64, 33],
    [100, 1],
  ])('of %i x %i pixels comes back as it was', async (width, height) => {
    const mask = randomMask(width * height);
    const { data } = await sharp(await encodeMaskPng(mask, width, height))
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(Uint8Array.from(data, (value) => value / 255)).toEqual(mask);
    expect(await decodeMask(await encodeMaskPng(mask, width, height))).toEqual({ mask, width, height });
  });

  it('takes for foreground whatever is not 0', () => {
    const mask = randomMask(64, [1, 2, 64, 127, 128, 129, 254, 255]);
    const ones = mask.map((value) => (value === 0 ? 0 : 1));
    expect(packRows(mask, 16, 4)).toEqual(packRows(ones, 16, 4));
    expect(packRows(mask, 16, 4)).toEqual(packRows(Uint8Array.from([0, ...mask]).subarray(1), 16, 4)); // not aligned
  });

  it('is made on another thread when it is large, with the same bytes', async () => {
    const [width, height] = [1601, 1300];
    const mask = randomMask(width * height);
    const before = pixelPool.completed;
    const bytes = await encodeMaskPng(mask, width, height);
    expect(pixelPool.completed).toBe(before + 1);
    expect((await decodeMask(bytes)).mask.every((value, at) => value === mask[at])).toBe(true);
  });
});
