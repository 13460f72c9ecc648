import { borderOf, stencilOf } from '../../../../../services/console-kit/viewer/stencil';

const bitmap = (rows: readonly string[]) => ({
  bits: Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0)),
  width: rows[0]?.length ?? 0,
  height: rows.length,
});

/** A mask in the region of a screen. */
function shown(rows: readonly string[], place: { scale: number; x: number; y: number }, screen: [number, number]) {
  const [width, height] = screen;
  return text(stencilOf(bitmap(rows), place, { x: 0, y: 0, width, height }), width);
}

const text = (pixels: Uint8Array, width: number): string[] =>
  Array.from({ length: pixels.length / width }, (_, row) =>
    [...pixels.subarray(row * width, (row + 1) * width)].map((pixel) => (pixel === 1 ? '#' : '.')).join(''),
  );

function border(rows: readonly string[], radius: number): string[] {
  const { bits, width, height } = bitmap(rows);
  return text(borderOf(bits, { width, height }, radius), width);
}

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
  expect(text(made, 3)).toEqual(['#..', '.##']);
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

test.each([1, 2, 7])('a border of radius %i is what its definition says', (radius) => {
  const [width, height] = [23, 19];
  const bits = Uint8Array.from({ length: width * height }, (_, at) => ((at * 7919) % 97 < 30 ? 1 : 0));
  const at = (x: number, y: number): number =>
    x >= 0 && y >= 0 && x < width && y < height ? (bits[y * width + x] as number) : 0;
  const span = Array.from({ length: 2 * radius + 1 }, (_, offset) => offset - radius);
  const wanted = bits.map((_, pixel) => {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const near = span.flatMap((dy) => span.map((dx) => at(x + dx, y + dy)));
    return near.includes(0) && near.includes(1) ? 1 : 0;
  });
  expect(borderOf(bits, { width, height }, radius)).toEqual(wanted);
});
