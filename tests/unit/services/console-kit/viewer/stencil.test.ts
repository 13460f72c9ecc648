import { bitAt, emptyRows, type BitRows } from '../../../../../services/console-kit/viewer/bit-rows';
import { bordersOf, stencilOf } from '../../../../../services/console-kit/viewer/stencil';

const bitmap = (rows: readonly string[]) => ({
  bits: Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0)),
  width: rows[0]?.length ?? 0,
  height: rows.length,
});

/** A mask in the region of a screen. */
function shown(rows: readonly string[], place: { scale: number; x: number; y: number }, screen: [number, number]) {
  const [width, height] = screen;
  return text(stencilOf(bitmap(rows), place, { x: 0, y: 0, width, height }));
}

const text = (rows: BitRows): string[] =>
  Array.from({ length: rows.height }, (_, y) =>
    Array.from({ length: rows.width }, (__, x) => (bitAt(rows, x, y) === 1 ? '#' : '.')).join(''),
  );

/** A mask as large as its region of the screen. */
function asItIs(rows: readonly string[]): BitRows {
  const made = bitmap(rows);
  return stencilOf(made, { scale: 1, x: 0, y: 0 }, { x: 0, y: 0, ...made });
}

const border = (rows: readonly string[], radius: number): string[] => bordersOf(asItIs(rows), [radius]).flatMap(text);

test('an enlarged mask is where its picture is, and nothing is beside it', () => {
  expect(shown(['#.', '.#'], { scale: 2, x: 1, y: 0 }, [6, 5])).toEqual([
    '.##...',
    '.##...',
    '...##.',
    '...##.',
    '......',
  ]);
});

test('a region begins where it is said to', () => {
  const made = stencilOf(bitmap(['#.', '.#']), { scale: 2, x: 1, y: 0 }, { x: 2, y: 1, width: 3, height: 2 });
  expect(text(made)).toEqual(['#..', '.##']);
});

test.each([1 / 2, 1 / 3, 0.37])('a line of one pixel is seen at a scale of %f, wherever it lies', (scale) => {
  for (let column = 0; column < 12; column += 1) {
    const row = Array.from({ length: 12 }, (_, at) => (at === column ? '#' : '.')).join('');
    const [made = ''] = shown([row], { scale, x: 0, y: -0.1 }, [12, 1]);
    expect(made.match(/#/g)).toHaveLength(1);
  }
});

test('a border is as wide on both sides of an edge', () => {
  expect(border(['......', '......', '...###', '...###', '...###'], 1)).toEqual([
    '......',
    '..####',
    '..####',
    '..##.#',
    '..####',
  ]);
});

test('a border follows the edge of the screen, holes and corners; nothing and all around have none', () => {
  expect(border(['#####', '#####', '##.##', '#####', '#####'], 1)).toEqual([
    '#####',
    '#####',
    '#####',
    '#####',
    '#####',
  ]);
  expect(border(['#######', '#######', '#######', '#######', '#######', '#######', '#######'], 2)).toEqual([
    '#######',
    '#######',
    '##...##',
    '##...##',
    '##...##',
    '#######',
    '#######',
  ]);
  expect(border(['...', '...'], 2)).toEqual(['...', '...']);
});

test('an enlarged and a shrunk mask are, pixel by pixel, what lies under the screen, over the ends of words', () => {
  const size = { width: 101, height: 7 };
  const bits = Uint8Array.from({ length: size.width * size.height }, (_, at) => ((at * 7919) % 97 < 30 ? 1 : 0));
  const within = (x: number, y: number): number =>
    x >= 0 && y >= 0 && x < size.width && y < size.height ? (bits[y * size.width + x] as number) : 0;
  const large = { scale: 2.3, x: 5, y: -3 };
  const screen = { x: 1, y: 2, width: 263, height: 11 };
  const enlarged = stencilOf({ bits, ...size }, large, screen);
  const half = stencilOf({ bits, ...size }, { scale: 0.5, x: 0, y: 0 }, { x: 0, y: 0, width: 50, height: 3 });
  for (let y = 0; y < screen.height; y += 1)
    for (let x = 0; x < screen.width; x += 1) {
      const [column, row] = [(x + 1.5 - large.x) / large.scale, (y + 2.5 - large.y) / large.scale].map(Math.floor);
      expect([x, y, bitAt(enlarged, x, y)]).toEqual([x, y, within(column as number, row as number)]);
    }
  for (let y = 0; y < half.height; y += 1)
    for (let x = 0; x < half.width; x += 1) {
      const four = [0, 1].flatMap((dy) => [0, 1].map((dx) => within(2 * x + dx, 2 * y + dy)));
      expect([x, y, bitAt(half, x, y)]).toEqual([x, y, Math.max(...four)]);
    }
});

test.each([
  [1, 23],
  [2, 32],
  [4, 65],
  [7, 70],
])('a border of radius %i on %i columns is what its definition says', (radius, width) => {
  const height = 19;
  const stencil = emptyRows({ width, height });
  const isSet = (x: number, y: number): boolean => ((y * width + x) * 7919) % 97 < (y < 9 ? 30 : 95);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) if (isSet(x, y)) stencil.words[y * stencil.stride + (x >>> 5)]! |= 1 << (x & 31);
  const at = (x: number, y: number): number => (x >= 0 && y >= 0 && x < width && y < height ? bitAt(stencil, x, y) : 0);
  const span = Array.from({ length: 2 * radius + 1 }, (_, offset) => offset - radius);
  const wanted = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (__, x) => {
      const near = span.flatMap((dy) => span.map((dx) => at(x + dx, y + dy)));
      return near.includes(0) && near.includes(1) ? '#' : '.';
    }).join(''),
  );
  // One that follows another is the same as alone.
  expect(bordersOf(stencil, [1, radius]).map(text)[1]).toEqual(wanted);
});
