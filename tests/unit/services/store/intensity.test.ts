import {
  baseArchitecture,
  headPreprocessing,
  inputRuleText,
  intensitySchema,
  parseIntensity,
  type HeadArchitecture,
} from '../../../../services/store';

test.each<[string, object]>([
  ['full', { policy: 'full' }],
  ['dtype', { policy: 'dtype' }],
  ['percentile', { policy: 'percentile', low: 0.5, high: 99.5 }],
  ['percentile:1:99', { policy: 'percentile', low: 1, high: 99 }],
  ['window:-160:240', { policy: 'window', low: -160, high: 240 }],
  ['window:0.25:0.75', { policy: 'window', low: 0.25, high: 0.75 }],
])('%s is read', (text, expected) => {
  const read = parseIntensity(text);
  expect(read).toEqual(expected);
  expect(intensitySchema.parse(read)).toEqual(read);
});

test.each([
  '',
  'auto',
  'window',
  'window:3',
  'window:3:3',
  'window:9:3',
  'window:0:2000000000',
  'percentile:-1:99',
  'percentile:1:101',
  'full:0:1',
  'window:a:b',
])('"%s" is refused by field', (text) => {
  expect(() => parseIntensity(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'intensity' }));
});

test('a rule of intensity is recorded with a head, told to native code, and says nothing where it is what it always was', () => {
  const { architecture } = baseArchitecture('tiny');
  const head: HeadArchitecture = { kind: 'sam-automed', mobilenet: { width: 1, se: 'improved' } };
  const window = parseIntensity('window:0:4095');
  expect(headPreprocessing(head, architecture, window)).toMatchObject({ intensity: window });
  expect(inputRuleText(headPreprocessing(head, architecture, window))).toBe(
    '{"fit":"pad-or-stretch","intensity":{"policy":"window","low":0,"high":4095}}',
  );
  expect(headPreprocessing(head, { ...architecture, intensity: window })).toMatchObject({ intensity: window });
  expect(inputRuleText(headPreprocessing(head, architecture, { policy: 'full' }))).toBe('{"fit":"pad-or-stretch"}');
});
