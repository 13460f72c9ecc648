import {
  channelTable,
  gray,
  grayTable,
  paintColor,
  paintGray,
} from '../../../../../services/console-kit/viewer/lookup-table';
import { FULL_RANGE, type GrayPicture, valueAt } from '../../../../../services/console-kit/viewer/picture';

const ct: GrayPicture = {
  kind: 'gray',
  width: 2,
  height: 1,
  values: Uint16Array.of(32_768 + 1024 - 160, 32_768 + 1024 + 240),
  offset: 32_768,
  slope: 1,
  intercept: -1024,
  unit: 'HU',
  inverted: false,
  presets: [FULL_RANGE],
};

test('a window is black at its lower end and white at its upper end, as DICOM has it', () => {
  // C.11.2.1.2: x <= c - 0.5 - (w - 1) / 2 is black, x > c - 0.5 + (w - 1) / 2 is white.
  const window = { center: 40, width: 400 };
  expect([-161, -160, 39.5, 239, 241].map((value) => gray(value, window))).toEqual([0, 0, 128, 255, 255]);
  expect([39, 40].map((value) => gray(value, { center: 40, width: 1 }))).toEqual([0, 255]);
});

test('signed values, slope and intercept are in the table; MONOCHROME1 and inversion undo each other', () => {
  const table = grayTable(ct, { center: 40, width: 400 }, false);
  const words = new Uint32Array(2);
  paintGray(ct, { x: 0, y: 0, width: 2, height: 1 }, table, words);
  expect([...words].map((word) => word.toString(16))).toEqual(['ff000000', 'ffffffff']);
  const negative = grayTable({ ...ct, inverted: true }, { center: 40, width: 400 }, true);
  expect(negative).toEqual(table);
  expect(valueAt(ct, 1, 0)).toBe('240 HU');
  expect(valueAt(ct, 2, 0)).toBe('');
});

test('a region of a picture is painted row by row, in grey and in colour', () => {
  const table = Uint8Array.from({ length: 65_536 }, (_, value) => value);
  const region = { x: 1, y: 1, width: 2, height: 2 };
  const words = new Uint32Array(4);
  paintGray({ values: Uint16Array.from({ length: 12 }, (_, at) => at), width: 4, height: 3 }, region, table, words);
  expect([...words].map((word) => word & 255)).toEqual([5, 6, 9, 10]);
  const bytes = new Uint8ClampedArray(16);
  paintColor(
    { rgba: Uint8ClampedArray.from({ length: 48 }, (_, at) => at), width: 4, height: 3 },
    region,
    table,
    bytes,
  );
  expect([...bytes.subarray(0, 8)]).toEqual([20, 21, 22, 255, 24, 25, 26, 255]);
});

test('the full range leaves eight bits as they are', () => {
  expect([...channelTable(FULL_RANGE, false)]).toEqual(Array.from({ length: 256 }, (_, value) => value));
  expect(channelTable(FULL_RANGE, true)[0]).toBe(255);
});
