// The border of a mask along the edges of its pixels, as segments that stay as wide on the screen at every zoom.

/** Segments `x0, y0, x1, y1`, one after another, in pixels of the image; neighbours on one line are one segment. */
export function outlineSegments(mask: Uint8Array, width: number, height: number): number[] {
  const segments: number[] = [];
  const outside = new Uint8Array(width);
  // Where a border between a column and the one before it began; -1: there is none.
  const open = new Int32Array(width + 1).fill(-1);
  let above: Uint8Array = outside;
  for (let y = 0; y <= height; y += 1) {
    const row = y < height ? mask.subarray(y * width, (y + 1) * width) : outside;
    addHorizontal(row, above, y, segments);
    addVertical(row, y, open, segments);
    above = row;
  }
  return segments;
}

function addHorizontal(row: Uint8Array, above: Uint8Array, y: number, segments: number[]): void {
  let from = -1;
  for (let x = 0; x < row.length; x += 1) {
    if (row[x] !== above[x]) {
      if (from < 0) from = x;
    } else if (from >= 0) {
      segments.push(from, y, x, y);
      from = -1;
    }
  }
  if (from >= 0) segments.push(from, y, row.length, y);
}

/** Row after row, which is how masks lie in memory. */
function addVertical(row: Uint8Array, y: number, open: Int32Array, segments: number[]): void {
  let before = 0;
  for (let x = 0; x <= row.length; x += 1) {
    const value = x < row.length ? (row[x] as number) : 0;
    const from = open[x] as number;
    if (value !== before) {
      if (from < 0) open[x] = y;
    } else if (from >= 0) {
      segments.push(x, from, x, y);
      open[x] = -1;
    }
    before = value;
  }
}
