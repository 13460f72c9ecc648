import sharp from 'sharp';
import { galleryPng } from '../../../../services/imaging/gallery';
import { drawOverlay, hexOf, overlayPng, PREDICTION_COLOUR, TRUTH_COLOUR } from '../../../../services/imaging/overlay';
import type { Pixels } from '../../../../services/imaging/pixels/pixels';

const grey: Pixels = { data: new Uint8Array(25).fill(100), width: 5, height: 5, channels: 1, sampleType: 'uint8' };
/** The inner 3 x 3 pixels. */
const square = Uint8Array.from({ length: 25 }, (_, at) => {
  const [x, y] = [at % 5, Math.floor(at / 5)];
  return x > 0 && x < 4 && y > 0 && y < 4 ? 1 : 0;
});
const at = (data: Uint8ClampedArray, x: number, y: number): number[] => [
  ...data.subarray((y * 5 + x) * 3).subarray(0, 3),
];

describe('drawOverlay', () => {
  it('leaves the background, outlines the mask and tints its inside', () => {
    const { data } = drawOverlay(grey, square, { opacity: 0.5 });
    expect(at(data, 0, 0)).toEqual([100, 100, 100]);
    expect(at(data, 1, 1)).toEqual([...PREDICTION_COLOUR]);
    expect(at(data, 2, 2)).toEqual([165, 130, 50]);
  });

  it('draws the contour of the ground truth over it', () => {
    const { data } = drawOverlay(grey, new Uint8Array(25), { truth: square });
    expect(at(data, 1, 1)).toEqual([...TRUTH_COLOUR]);
    expect(at(data, 2, 2)).toEqual([100, 100, 100]);
  });

  it('scales 16-bit images', () => {
    const data = new Uint8Array(Uint16Array.from([0, 25_700, 65_535, 257]).buffer);
    const picture = drawOverlay({ data, width: 2, height: 2, channels: 1, sampleType: 'uint16' }, new Uint8Array(4));
    expect([...picture.data].filter((_, index) => index % 3 === 0)).toEqual([0, 100, 255, 1]);
  });

  it('rejects a mask of another size', () => {
    expect(() => drawOverlay(grey, new Uint8Array(24))).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  });
});

it('an overlay writes colours as reports do', () => {
  expect([PREDICTION_COLOUR, TRUTH_COLOUR].map(hexOf)).toEqual(['#e69f00', '#56b4e9']);
});

describe('overlay pictures', () => {
  it('are PNG of the size of the image', async () => {
    expect(await sharp(await overlayPng(grey, [square, square])).metadata()).toMatchObject({
      format: 'png',
      width: 5,
      height: 5,
    });
  });

  it('are arranged in a grid', async () => {
    const tile = { picture: drawOverlay(grey, square), name: 'a.png', caption: 'x' };
    const bytes = await galleryPng([tile, tile, tile], { cell: 20, columns: 2, gap: 4 });
    // Two rows of 20 with a name, a line of caption and 4 pixels beneath each.
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 52, height: 4 + 2 * (20 + 36 + 4) });
  });
});
