import { FULL_RANGE, type ColorPicture, type GrayPicture } from '../../../../../services/console-kit/viewer/picture';
import { shrunk } from '../../../../../services/console-kit/viewer/shrink';

const gray = (width: number, height: number, values: number[]): GrayPicture => ({
  kind: 'gray',
  width,
  height,
  values: Uint16Array.from(values),
  offset: 0,
  slope: 1,
  intercept: 0,
  unit: '',
  inverted: false,
  presets: [FULL_RANGE],
});

const valuesOf = (picture: ReturnType<typeof shrunk>): number[] => (picture.kind === 'gray' ? [...picture.values] : []);

test('values are averaged by the area that a pixel of the screen covers', () => {
  const halved = shrunk(gray(4, 2, [0, 100, 1000, 3000, 200, 300, 5000, 7000]), 0.5);
  expect(halved).toMatchObject({ width: 2, height: 1 });
  expect(valuesOf(halved)).toEqual([150, 4000]);
  // Three pixels on two: each covers one and a half.
  expect(valuesOf(shrunk(gray(3, 1, [30, 60, 90]), 0.67))).toEqual([40, 80]);
});

test.each([0.9, 0.61, 0.337, 0.05])('an even picture stays even, and the mean stays, at a scale of %p', (scale) => {
  const [width, height] = [101, 67];
  const even = shrunk(gray(width, height, Array<number>(width * height).fill(65_535)), scale);
  expect(even).toMatchObject({ width: Math.round(width * scale), height: Math.round(height * scale) });
  expect(new Set(valuesOf(even))).toEqual(new Set([65_535]));
  const values = Array.from({ length: width * height }, (_, at) => (at * 7919) % 60_000);
  const mean = (of: number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  expect(mean(valuesOf(shrunk(gray(width, height, values), scale)))).toBeCloseTo(mean(values), -1);
});

test('colours are averaged each for itself', () => {
  const picture: ColorPicture = {
    kind: 'color',
    width: 2,
    height: 1,
    rgba: Uint8ClampedArray.of(0, 100, 200, 255, 100, 200, 0, 255),
    presets: [FULL_RANGE],
  };
  expect(shrunk(picture, 0.5)).toMatchObject({ width: 1, height: 1, rgba: Uint8ClampedArray.of(50, 150, 100, 255) });
});

test('a picture that is as large as on the screen is left as it is', () => {
  const picture = gray(2, 1, [1, 2]);
  expect(shrunk(picture, 1)).toBe(picture);
});
