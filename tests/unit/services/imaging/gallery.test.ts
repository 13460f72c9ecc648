import sharp from 'sharp';
import { brokenLines, galleryPng, outlineLegend, type Tile } from '../../../../services/imaging/gallery';
import { PREDICTION_COLOUR, TRUTH_COLOUR } from '../../../../services/imaging/overlay';

const tile = (name: string, caption: string): Tile => ({
  picture: { data: new Uint8ClampedArray(4 * 4 * 3).fill(200), width: 4, height: 4 },
  name,
  caption,
});

async function pixels(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  return { ...info, at };
}

test('the legend says in their colours what is the label and what the prediction', async () => {
  const shown = await pixels(
    await galleryPng([tile('a.png', 'Dice 1.000')], { cell: 320, legend: outlineLegend(false) }),
  );
  const line = Array.from({ length: shown.width }, (_, x) => shown.at(x, 16).join());
  const [truth, prediction] = [TRUTH_COLOUR, PREDICTION_COLOUR].map((colour) => line.indexOf(colour.join()));
  expect(truth).toBeGreaterThanOrEqual(0);
  expect(prediction).toBeGreaterThan(truth!);
  expect(shown.at(160, 16 + 24 + 100)).toEqual([200, 200, 200]);
});

test('a legend that is wider than the pictures takes two lines', async () => {
  const sizes = [100, 320].map(async (cell) => {
    const { height } = await pixels(await galleryPng([tile('a', 'b')], { cell, legend: outlineLegend(true) }));
    return height - cell;
  });
  const [narrow, wide] = await Promise.all(sizes);
  expect(narrow! - wide!).toBe(16);
});

test('pictures stand in rows with room for the longest caption, whatever is in it', async () => {
  const long = 'meningioma (20.0 %), taken for <glioma> & "more" (80.0 %)';
  const { width, height, at } = await pixels(
    await galleryPng([tile('a', 'b'), tile('x\u0000<y>', long), tile('c', '')], { cell: 140, columns: 2, gap: 10 }),
  );
  const row = 140 + (1 + brokenLines(long, 20).length) * 16 + 4;
  expect([width, height]).toEqual([10 + 2 * 150, 10 + 2 * (row + 10)]);
  for (const [x, y] of [
    [80, 80],
    [230, 80],
    [80, 80 + row + 10],
  ] as const)
    expect(at(x, y)).toEqual([200, 200, 200]);
});

test.each([
  ['Dice 0.912, IoU 0.838', 30, ['Dice 0.912, IoU 0.838']],
  ['one two three', 7, ['one two', 'three']],
  ['one two three four five', 5, ['one', 'two', 'thre…']],
  ['abcdefghij', 5, ['abcd…']],
  ['', 5, ['']],
])('%j in %d characters is broken into %j', (text, room, lines) => {
  expect(brokenLines(text, room)).toEqual(lines);
});
