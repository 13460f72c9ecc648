import { fillPolygon, paintStroke } from '../../../../../services/console-kit/viewer/paint';
import { decodeMask, encodeMask } from '../../../../../services/console-kit/viewer/run-lengths';
import { encodeRle } from '../../../../../services/imaging/mask-codes';

const blank = (width: number, height: number) => ({ bits: new Uint8Array(width * height), width, height });
const rows = ({ bits, width, height }: ReturnType<typeof blank>): string[] =>
  Array.from({ length: height }, (_, y) => bits.subarray(y * width, (y + 1) * width).join(''));

test('a stroke is as wide as its brush, round at its ends, and erases, too', () => {
  const mask = blank(9, 5);
  paintStroke(mask, { x: 2.5, y: 2.5 }, { x: 6.5, y: 2.5 }, 1.2, 1);
  expect(rows(mask)).toEqual(['000000000', '001111100', '011111110', '001111100', '000000000']);
  paintStroke(mask, { x: 4.5, y: -3 }, { x: 4.5, y: 9 }, 0.6, 0);
  expect(rows(mask)).toEqual(['000000000', '001101100', '011101110', '001101100', '000000000']);
});

test('a polygon fills what is inside by the even-odd rule, also beyond the edge of the image', () => {
  const mask = blank(6, 4);
  fillPolygon(
    mask,
    [
      { x: 1, y: 1 },
      { x: 9, y: 1 },
      { x: 9, y: 3 },
      { x: 1, y: 3 },
    ],
    1,
  );
  expect(rows(mask)).toEqual(['000000', '011111', '011111', '000000']);
});

test('masks are encoded as the server encodes them', () => {
  for (let seed = 1; seed < 30; seed += 1) {
    let state = seed;
    const mask = Uint8Array.from({ length: 37 * 23 }, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state % 7 < seed % 8 ? 1 : 0;
    });
    const text = encodeMask(mask, 37, 23);
    expect(text).toBe(encodeRle(mask, 37, 23));
    expect(decodeMask(text, 37, 23)).toEqual(mask);
  }
});
