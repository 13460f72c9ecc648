type Point = readonly [x: number, y: number];

const turn = (o: Point, a: Point, b: Point): number => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

/** Upper or lower half of the convex hull of points that are sorted (Andrew's monotone chain). */
function half(points: readonly Point[]): Point[] {
  const hull: Point[] = [];
  for (const point of points) {
    for (;;) {
      const [before, last] = [hull.at(-2), hull.at(-1)];
      if (!before || !last || turn(before, last, point) > 0) break;
      hull.pop();
    }
    hull.push(point);
  }
  return hull;
}

/** Outer corners of the first and the last pixel of each row: the others lie between them. */
function corners(mask: Uint8Array, width: number, rowMm: number, columnMm: number): Point[] {
  const points: Point[] = [];
  for (let row = 0; row * width < mask.length; row += 1) {
    const line = mask.subarray(row * width, (row + 1) * width);
    const [first, last] = [line.indexOf(1), line.lastIndexOf(1)];
    if (first < 0) continue;
    for (const y of [row * rowMm, (row + 1) * rowMm]) points.push([first * columnMm, y], [(last + 1) * columnMm, y]);
  }
  return points;
}

/**
 * The largest distance between two corners of what is drawn (Feret's diameter), all parts together.
 * @param rowMm from row to row, columnMm from column to column
 */
export function diameterOf(mask: Uint8Array, width: number, rowMm: number, columnMm: number): number {
  const sorted = corners(mask, width, rowMm, columnMm).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  const hull = [...half(sorted), ...half(sorted.toReversed())];
  let largest = 0;
  for (const a of hull) {
    for (const b of hull) largest = Math.max(largest, (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2);
  }
  return Math.sqrt(largest);
}
