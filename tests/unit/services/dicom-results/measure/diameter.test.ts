import { diameterOf } from '../../../../../services/dicom-results/measure/diameter';

/** Every corner of every pixel against every other. */
function slowly(mask: Uint8Array, width: number, rowMm: number, columnMm: number): number {
  const corners = [...mask].flatMap((value, at) =>
    value
      ? [0, 1].flatMap((x) => [0, 1].map((y) => [((at % width) + x) * columnMm, (Math.floor(at / width) + y) * rowMm]))
      : [],
  );
  return Math.max(...corners.flatMap(([x = 0, y = 0]) => corners.map(([u = 0, v = 0]) => Math.hypot(x - u, y - v))));
}

test('a pixel is as long as its diagonal', () => {
  expect(diameterOf(Uint8Array.from([0, 1, 0, 0]), 2, 3, 4)).toBe(5);
});

test('equals the distance of the farthest corners of any two pixels', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const mask = Uint8Array.from({ length: 120 }, (_, at) => ((at * at * 7 + at * seed * 13) % 17 < seed % 5 ? 1 : 0));
    if (!mask.includes(1)) continue;
    expect(diameterOf(mask, 12, 0.7, 0.6)).toBeCloseTo(slowly(mask, 12, 0.7, 0.6), 9);
  }
});
