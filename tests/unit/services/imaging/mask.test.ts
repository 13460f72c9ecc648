import sharp from 'sharp';
import { decodeRle } from '../../../../services/client';
import { decodeMask, encodeMaskPng, encodeRle, packBits, unpackBits } from '../../../../services/imaging/mask';
import { GREY, png, RGB } from '../../../support/images';

/** Strings that pycocotools 2.0.11 writes for these masks. */
const disc = Uint8Array.from({ length: 48 * 64 }, (_, at) =>
  (Math.floor(at / 64) - 20) ** 2 + ((at % 64) - 30) ** 2 < 225 ? 1 : 0,
);
const KNOWN: [name: string, mask: number[] | Uint8Array, width: number, height: number, rle: string][] = [
  ['empty', [0, 0, 0, 0], 2, 2, '4'],
  ['full', [1, 1, 1, 1], 2, 2, '04'],
  ['small', [0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1], 4, 3, '231N30'],
  ['disc', disc, 64, 48, '_h0;S14M2M4M2O0O2N2O0O2O00000000000000000001N101N2N101N3L3N3LSl0'],
  [
    'rectangle',
    Uint8Array.from({ length: 15_000 }, (_, at) => {
      const [x, y] = [at % 150, Math.floor(at / 150)];
      return x >= 30 && x < 120 && y >= 20 && y < 70 ? 1 : 0;
    }),
    150,
    100,
    `\\n2b1b1${'0'.repeat(177)}Tm2`,
  ],
];

describe('COCO run-length encoding', () => {
  it.each(KNOWN)('writes what pycocotools writes: %s', (_, mask, width, height, rle) => {
    expect(encodeRle(Uint8Array.from(mask), width, height)).toBe(rle);
  });

  it.each(KNOWN)('reads what pycocotools writes: %s', (_, mask, width, height, rle) => {
    expect([...decodeRle(rle, width, height)]).toEqual([...mask]);
  });

  it('rejects text of another size, foreign characters and an unfinished group', () => {
    for (const text of ['04', '~~', 'P', '8', '']) {
      expect(() => decodeRle(text, 3, 3)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });

  it('rejects a mask whose length does not match', () => {
    expect(() => encodeRle(new Uint8Array(5), 2, 2)).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  });
});

describe('bit-packed masks', () => {
  it('put the first pixel in the most significant bit', () => {
    expect([...packBits(Uint8Array.from([1, 0, 0, 0, 0, 0, 1, 1, 1, 0]))]).toEqual([0b10000011, 0b10000000]);
  });

  it('come back as they were', () => {
    expect([...unpackBits(packBits(disc), disc.length)]).toEqual([...disc]);
  });

  it('are rejected when too short', () => {
    expect(() => unpackBits(new Uint8Array(1), 9)).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  });
});

describe('mask images', () => {
  it('are grey PNG with 0 and 255', async () => {
    const bytes = await encodeMaskPng(Uint8Array.from([0, 1, 1, 0, 0, 1]), 3, 2);
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', space: 'b-w', channels: 1, width: 3 });
    expect(await decodeMask(bytes)).toEqual({ mask: Uint8Array.from([0, 1, 1, 0, 0, 1]), width: 3, height: 2 });
  });

  it('are foreground above 127', async () => {
    const { mask } = await decodeMask(png(4, 1, GREY, 8, Buffer.from([0, 127, 128, 255])));
    expect([...mask]).toEqual([0, 0, 1, 1]);
  });

  it('may be 16 bit or colour', async () => {
    const wide = await decodeMask(png(2, 1, GREY, 16, Buffer.from([0x40, 0, 0xff, 0xff])));
    expect([...wide.mask]).toEqual([0, 1]);
    const colour = await decodeMask(png(2, 1, RGB, 8, Buffer.from([0, 0, 0, 255, 255, 255])));
    expect([...colour.mask]).toEqual([0, 1]);
  });

  it('are turned upright like their image', async () => {
    const bytes = await sharp(Buffer.from([0, 0, 0, 255, 255, 255]), { raw: { width: 2, height: 1, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    expect(await decodeMask(bytes)).toMatchObject({ width: 1, height: 2 });
  });
});
