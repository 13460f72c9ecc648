// The border of a mask along the edges of its pixels, as segments that stay as wide on the screen at every zoom.

/** Segments `x0, y0, x1, y1`, one after another, in pixels of the image; neighbours on one line are one segment. */
export function outlineSegments(mask: Uint8Array, width: number, height: number): number[] {
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  const segments: number[] = [];
  for (let y = 0; y <= height; y += 1)
    runs(
      width,
      (x) => inside(x, y) !== inside(x, y - 1),
      (from, to) => segments.push(from, y, to, y),
    );
  for (let x = 0; x <= width; x += 1)
    runs(
      height,
      (y) => inside(x, y) !== inside(x - 1, y),
      (from, to) => segments.push(x, from, x, to),
    );
  return segments;
}

function runs(length: number, holds: (at: number) => boolean, found: (from: number, to: number) => void): void {
  let from = -1;
  for (let at = 0; at <= length; at += 1) {
    const is = at < length && holds(at);
    if (is && from < 0) from = at;
    if (!is && from >= 0) {
      found(from, at);
      from = -1;
    }
  }
}
