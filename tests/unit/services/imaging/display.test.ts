import { toDisplayRgb8 } from '../../../../services/imaging/display';
import type { Pixels } from '../../../../services/imaging/pixels/pixels';

const SIDE = 32;

function picture(sampleType: Pixels['sampleType'], channels: 1 | 3, values: readonly number[], side = SIDE): Pixels {
  const types = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };
  const { buffer } = types[sampleType].from(values);
  return { data: new Uint8Array(buffer), width: side, height: side, channels, sampleType };
}

const ramp = (low: number, high: number, channels = 1): number[] =>
  Array.from({ length: SIDE * SIDE * channels }, (_, at) => low + ((high - low) * at) / (SIDE * SIDE * channels - 1));
const extremes = (pixels: Pixels): number[] => {
  const rgb = toDisplayRgb8(pixels);
  return [Math.min(...rgb), Math.max(...rgb)];
};

it.each<[string, Pixels]>([
  ['12 bits in 16', picture('uint16', 1, ramp(900, 3200).map(Math.round))],
  ['12 bits in 16, coloured', picture('uint16', 3, ramp(0, 4095, 3).map(Math.round))],
  ['floats of 0 to 1', picture('float32', 1, ramp(0, 1))],
  ['floats below 0', picture('float32', 1, ramp(-1000, 400))],
])('shows %s over the whole display', (_, pixels) => {
  expect(extremes(pixels)).toEqual([0, 255]);
});

it('the display copy keeps 8 bits as they are, and shows a single value by the range of its type', () => {
  expect(extremes(picture('uint8', 1, ramp(10, 60).map(Math.round)))).toEqual([10, 60]);
  expect(extremes(picture('uint16', 1, ramp(25700, 25700)))).toEqual([100, 100]);
});

it('the display copy shows one bright pixel among equal ones, and never lets a few of them darken the rest', () => {
  const [lone, few] = [ramp(500, 500), ramp(100, 1000)];
  lone[77] = 900;
  few[5] = 60_000;
  expect(extremes(picture('uint16', 1, lone))).toEqual([0, 255]);
  const rgb = toDisplayRgb8(picture('uint16', 1, few.map(Math.round)));
  expect(rgb[3 * (SIDE * SIDE - 40)]).toBeGreaterThan(230);
});

it.each([256, 384, 448])(
  'the display copy takes every colour of a picture of %i pixels a side into account',
  (side) => {
    const colours = [100, 4000, 2000];
    const values = Array.from({ length: side * side * 3 }, (_, at) => (at < 48 * side ? 0 : colours[at % 3]!));
    const rgb = toDisplayRgb8(picture('uint16', 3, values, side));
    expect([...rgb.slice(-3)]).toEqual([6, 255, 128]);
  },
);
