import type { Pixels, SampleType } from '../../../../services/imaging/pixels/pixels';
import { parseIntensity } from '../../../../services/store';
import type { Finding } from '../../../../services/datasets/samples/finding';
import { rangeFindings, valueRangeOf } from '../../../../services/checks/value-range';

function pixelsOf(sampleType: SampleType, values: number[], channels: Pixels['channels'] = 1): Pixels {
  const array = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array }[sampleType].from(values);
  return { data: new Uint8Array(array.buffer), width: values.length / channels, height: 1, channels, sampleType };
}

const findingsOf = (pictures: Pixels[], intensity?: string): Finding[] =>
  rangeFindings(
    pictures.map((pixels, at) => ({ name: `${at}`, range: valueRangeOf(pixels) })),
    intensity === undefined ? undefined : parseIntensity(intensity),
  );
const messages = (...pictures: Pixels[]): string[] =>
  findingsOf(pictures).map(({ kind, severity, message }) => `${kind} ${severity}: ${message}`);

test.each<[string, Pixels, { low: number; high: number } | undefined]>([
  ['of 16 bits', pixelsOf('uint16', [960, 3216, 1000]), { low: 960, high: 3216 }],
  ['of float', pixelsOf('float32', [0, 0.5, -1]), { low: -1, high: 0.5 }],
  ['without its alpha', pixelsOf('uint16', [5, 65535, 7, 65535], 2), { low: 5, high: 7 }],
  ['of three colours without their alpha', pixelsOf('uint16', [5, 6, 7, 65535], 4), { low: 5, high: 7 }],
  ['of 8 bits is not asked', pixelsOf('uint8', [3, 4]), undefined],
])('the range of a picture %s', (_what, pixels, expected) => {
  expect(valueRangeOf(pixels)).toEqual(expected && { ...expected, sampleType: pixels.sampleType });
});

test('the check of values names pictures whose values lie in a small part of their range, of each type apart', () => {
  const wide = pixelsOf('uint16', [0, 60000]);
  const twelve = [pixelsOf('uint16', [960, 3216]), pixelsOf('uint16', [1000, 4095])];
  const unit = pixelsOf('float32', [0, 1]);
  expect(messages(wide, ...twelve, unit)).toEqual([
    'value-range warning: 2 of 3 16-bit pictures hold values 960 to 4095, taken on the scale 0 to 65535: ' +
      'a model sees next to no contrast (--intensity)',
    'value-range warning: 1 of 1 float picture holds values 0 to 1, taken on the scale 0 to 255: ' +
      'a model sees next to no contrast (--intensity)',
  ]);
});

test('the check of values names high values with little between them, and float values beyond the scale', () => {
  expect(messages(pixelsOf('uint16', [30000, 31000]))[0]).toContain('30000 to 31000');
  expect(messages(pixelsOf('float32', [-1000, 3000]))[0]).toMatch(/-1000 to 3000, .*beyond it/);
});

test.each<[SampleType, number, number]>([
  ['uint16', 16, 65535],
  ['float32', 1 / 255, 200],
])('names pictures of %s whose full range is a marker', (type, step, marker) => {
  const values = Array.from({ length: 400 }, (_, at) => (at < 8 ? marker : (at % 200) * step));
  expect(messages(pixelsOf(type, values))).toEqual([
    expect.stringMatching(/ in nearly all pixels, .*next to no contrast/),
  ]);
  const bright = values.map((value, at) => (at % 5 === 0 ? marker : value));
  expect(messages(pixelsOf(type, bright))).toEqual([]);
});

test('the check of values has nothing to say of 14 bits, of 8-bit pictures, and of a blank one', () => {
  const fine = [pixelsOf('uint16', [0, 16383]), pixelsOf('float32', [0, 200]), pixelsOf('uint8', [1, 2])];
  expect(messages(...fine, pixelsOf('uint16', [7, 7]))).toEqual([]);
});

test.each<[string, Pixels, number]>([
  ['percentile', pixelsOf('uint16', [960, 3216]), 0],
  ['percentile', pixelsOf('float32', [-1000, 3000]), 0],
  ['window:0:4095', pixelsOf('uint16', [960, 3216]), 0],
  ['window:0:4095', pixelsOf('uint16', [0, 60]), 1],
  ['window:0:4095', pixelsOf('uint16', [5000, 60000]), 1],
  ['window:-160:240', pixelsOf('float32', [-1000, 3000]), 0],
  ['dtype', pixelsOf('float32', [0, 1]), 0],
  ['dtype', pixelsOf('float32', [0, 200]), 1],
  ['dtype', pixelsOf('uint16', [960, 3216]), 1],
])('under %s the scale is another: case %#', (intensity, pixels, count) => {
  expect(findingsOf([pixels], intensity)).toHaveLength(count);
});
