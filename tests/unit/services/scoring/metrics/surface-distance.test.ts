import { surfaceDistances } from '../../../../../services/scoring/metrics/surface-distance';

const WIDTH = 60;
const HEIGHT = 40;

function disks(...circles: [x: number, y: number, radius: number][]): Uint8Array {
  const mask = new Uint8Array(WIDTH * HEIGHT);
  for (let at = 0; at < mask.length; at += 1) {
    const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
    mask[at] = circles.some(([cx, cy, radius]) => (x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2) ? 1 : 0;
  }
  return mask;
}

describe('surfaceDistances', () => {
  it('agrees with scipy on two shapes of several parts', () => {
    const found = surfaceDistances(disks([20, 18, 11]), disks([27, 20, 14], [52, 35, 3]), WIDTH, HEIGHT);
    // distance_transform_edt of the outlines, numpy.percentile(95) of both directions.
    expect(found?.hd95Px).toBeCloseTo(26.874669467551247, 10);
    expect(found?.asdPx).toBeCloseTo(7.00456072562079, 10);
  });

  it('is the shift of a single pixel, whichever mask comes first', () => {
    const [a, b] = [disks([10, 10, 0]), disks([13, 14, 0])];
    expect(surfaceDistances(a, b, WIDTH, HEIGHT)).toEqual({ hd95Px: 5, asdPx: 5 });
    expect(surfaceDistances(b, a, WIDTH, HEIGHT)).toEqual({ hd95Px: 5, asdPx: 5 });
  });

  it('is 0 for equal and for empty masks, and nothing when only one is empty', () => {
    const [shape, empty] = [disks([20, 20, 8]), disks()];
    expect(surfaceDistances(shape, shape, WIDTH, HEIGHT)).toEqual({ hd95Px: 0, asdPx: 0 });
    expect(surfaceDistances(empty, empty, WIDTH, HEIGHT)).toEqual({ hd95Px: 0, asdPx: 0 });
    expect(surfaceDistances(shape, empty, WIDTH, HEIGHT)).toBeUndefined();
  });

  it('takes the border of the image for an outline', () => {
    const full = new Uint8Array(WIDTH * HEIGHT).fill(1);
    expect(surfaceDistances(full, full, WIDTH, HEIGHT)).toEqual({ hd95Px: 0, asdPx: 0 });
  });
});
