import type { ModelInput } from '../../../../services/checks/input-axes';
import { lossesOf, viewOf } from '../../../../services/checks/model-view';

type Rectangle = readonly [x: number, y: number, width: number, height: number];

function mask(width: number, height: number, rectangles: readonly Rectangle[]): Uint8Array {
  const drawn = new Uint8Array(width * height);
  for (const [x, y, columns, rows] of rectangles) {
    for (let row = y; row < y + rows; row += 1) drawn.fill(1, row * width + x, row * width + x + columns);
  }
  return drawn;
}

const STRETCHED: ModelInput = { side: 256, fit: 'stretch' };
const NEAREST: ModelInput = { side: 256, fit: 'stretch', resize: 'nearest' };
const LONGEST: ModelInput = { side: 256, fit: 'longest-side' };
const of2048 = (rectangles: readonly Rectangle[], input: ModelInput) =>
  lossesOf(mask(2048, 2048, rectangles), { width: 2048, height: 2048 }, input);

describe('what a model sees of lesions', () => {
  it('is what nearest neighbour picks: the first of eight columns, and not the one under the centre', () => {
    expect(of2048([[8, 8, 1, 1]], NEAREST)).toEqual({ vanished: 0, lesions: 1, vanishedLesions: 0 });
    expect(of2048([[12, 12, 1, 1]], NEAREST)).toEqual({ vanished: 1, lesions: 1, vanishedLesions: 1 });
    expect(of2048([[9, 9, 7, 7]], NEAREST).vanished).toBe(1);
  });

  it('is what two neighbours by two make of it: columns 3 and 4 of eight', () => {
    expect(of2048([[12, 12, 1, 1]], STRETCHED).vanished).toBe(0);
    expect(of2048([[11, 11, 2, 1]], STRETCHED).vanished).toBe(0);
    expect(of2048([[8, 8, 3, 3]], STRETCHED).vanished).toBe(1);
    expect(of2048([[8, 8, 1, 1]], STRETCHED).vanished).toBe(1);
  });

  it('is a mean over the area where the image is scaled by its longer side', () => {
    // Under the centre of an input pixel, of which it is a 64th part.
    expect(of2048([[12, 12, 1, 1]], LONGEST).vanished).toBe(1);
    // A line of one column is an eighth of every pixel that it crosses.
    expect(of2048([[12, 0, 1, 2048]], LONGEST).vanished).toBe(1);
    for (const at of [8, 10, 12, 13]) expect(of2048([[at, at, 8, 8]], LONGEST).vanished).toBe(0);
  });

  it('shows a lesion as large as an input pixel wherever it lies', () => {
    const input: ModelInput = { ...STRETCHED, side: 100 };
    for (const fit of ['stretch', 'longest-side'] as const) {
      for (let at = 0; at < 12; at += 1) {
        const drawn = mask(700, 700, [[40 + at, 80 + at, 7, 7]]);
        expect(lossesOf(drawn, { width: 700, height: 700 }, { ...input, fit }).vanished).toBe(0);
      }
    }
  });

  it('counts lesions that touch at a corner once, and loses each by itself', () => {
    const drawn: Rectangle[] = [
      [100, 100, 40, 40],
      [140, 140, 8, 8],
      [497, 500, 1, 1],
      [513, 500, 1, 1],
    ];
    expect(of2048(drawn, STRETCHED)).toEqual({ vanished: 0, lesions: 3, vanishedLesions: 2 });
  });

  it('can be in the image, and in no pixel of the mask that is learnt from', () => {
    // Half of an input pixel, whose mask is taken at column 12 and row 12.
    const drawn = mask(2048, 2048, [[11, 11, 1, 3]]);
    const view = viewOf(drawn, { width: 2048, height: 2048 }, STRETCHED);
    expect(view).toEqual({
      losses: { vanished: 0, lesions: 1, vanishedLesions: 0 },
      maskLost: true,
      lostLesions: 1,
    });
    const beside = mask(2048, 2048, [
      [11, 11, 1, 3],
      [100, 100, 40, 40],
      [497, 500, 1, 1],
    ]);
    const both = viewOf(beside, { width: 2048, height: 2048 }, STRETCHED);
    expect(both).toMatchObject({ losses: { vanishedLesions: 1 }, maskLost: false, lostLesions: 2 });
  });

  it('leaves a mask what its lesions show together', () => {
    // Each of the four is a 16th of the input pixel, and all are a quarter, one of them under its centre.
    const specks: Rectangle[] = [
      [2, 2, 1, 1],
      [2, 0, 1, 1],
      [0, 2, 1, 1],
      [0, 0, 1, 1],
    ];
    const input: ModelInput = { side: 2, fit: 'longest-side' };
    const size = { width: 8, height: 8 };
    expect(lossesOf(mask(8, 8, specks), size, input)).toMatchObject({ lesions: 4, vanishedLesions: 4 });
    expect(lossesOf(mask(8, 8, [[0, 0, 3, 3]]), size, input).vanished).toBe(0);
  });

  it('has nothing to lose in an empty mask, or in an image that is smaller', () => {
    expect(of2048([], STRETCHED)).toEqual({ vanished: null, lesions: 0, vanishedLesions: 0 });
    const small = lossesOf(
      mask(100, 60, [[5, 5, 1, 1]]),
      { width: 100, height: 60 },
      { side: 256, fit: 'pad-or-stretch' },
    );
    expect(small).toEqual({ vanished: 0, lesions: 1, vanishedLesions: 0 });
  });

  it('finds components as a flood does', () => {
    let seed = 1;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 1) / 2 ** 31;
    for (let round = 0; round < 200; round += 1) {
      const [width, height, share] = [1 + Math.floor(random() * 14), 1 + Math.floor(random() * 14), random()];
      const drawn = Uint8Array.from({ length: width * height }, () => (random() < share ? 1 : 0));
      expect(lossesOf(drawn, { width, height }, STRETCHED).lesions).toBe(floodCount(drawn, width, height));
    }
  });
});

function floodCount(drawn: Uint8Array, width: number, height: number): number {
  const left = Uint8Array.from(drawn);
  let count = 0;
  const clear = (x: number, y: number): void => {
    if (x < 0 || y < 0 || x >= width || y >= height || left[y * width + x] === 0) return;
    left[y * width + x] = 0;
    for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) clear(x + dx, y + dy);
  };
  for (let at = 0; at < left.length; at += 1) {
    if (left[at] === 0) continue;
    count += 1;
    clear(at % width, Math.floor(at / width));
  }
  return count;
}
