// The borders of what is drawn, along the edges of pixels.

export type Corner = readonly [column: number, row: number];

/** Steps along edges with the foreground on the right: east, south, west, north. */
const STEPS: readonly Corner[] = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
];

/** Edges between foreground and background, by the corner at which they begin; at most two begin at one. */
function edgesOf(mask: Uint8Array, width: number): Map<string, number[]> {
  const height = mask.length / width;
  const edges = new Map<string, number[]>();
  const isDrawn = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  const add = (x: number, y: number, direction: number): void => {
    const key = `${x} ${y}`;
    edges.set(key, [...(edges.get(key) ?? []), direction]);
  };
  for (let at = mask.indexOf(1); at >= 0; at = mask.indexOf(1, at + 1)) {
    const [x, y] = [at % width, Math.floor(at / width)];
    if (!isDrawn(x, y - 1)) add(x, y, 0);
    if (!isDrawn(x + 1, y)) add(x + 1, y, 1);
    if (!isDrawn(x, y + 1)) add(x + 1, y + 1, 2);
    if (!isDrawn(x - 1, y)) add(x, y + 1, 3);
  }
  return edges;
}

/** Takes the edge that goes on from a corner: where two do, the one that keeps pixels which touch at a corner apart. */
function take(edges: Map<string, number[]>, [x, y]: Corner, before: number | undefined): number | undefined {
  const key = `${x} ${y}`;
  const found = edges.get(key) ?? [];
  const right = before === undefined ? undefined : (before + 1) % 4;
  const next = right !== undefined && found.includes(right) ? right : found[0];
  const left = found.filter((direction) => direction !== next);
  if (left.length > 0) edges.set(key, left);
  else edges.delete(key);
  return next;
}

/**
 * Closed outlines, of holes, too: corners where they turn, the first one repeated as the last. Corner (0, 0) is the upper left one of the
 * first pixel.
 */
export function outlinesOf(mask: Uint8Array, width: number): Corner[][] {
  const edges = edgesOf(mask, width);
  const outlines: Corner[][] = [];
  for (let [key] = [...edges.keys()]; key !== undefined; key = edges.keys().next().value) {
    const [column = 0, row = 0] = key.split(' ').map(Number);
    const outline: Corner[] = [];
    let corner: Corner = [column, row];
    let before: number | undefined;
    for (
      let direction = take(edges, corner, before);
      direction !== undefined;
      direction = take(edges, corner, before)
    ) {
      if (direction !== before) outline.push(corner);
      const [dx, dy] = STEPS[direction] ?? [0, 0];
      corner = [corner[0] + dx, corner[1] + dy];
      before = direction;
    }
    outlines.push([...outline, outline[0] ?? corner]);
  }
  return outlines;
}
