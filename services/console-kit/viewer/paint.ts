// Painting masks: strokes of a round brush, and polygons. Coordinates are pixels of the image; the centre of the first is 0.5.

import type { Point } from './view';

export interface Canvas {
  /** One byte for each pixel, 1 is foreground; changed in place. */
  bits: Uint8Array;
  width: number;
  height: number;
}

/** Sets every pixel whose centre is within the radius of the line. @param value 1 paints, 0 erases */
export function paintStroke(
  { bits, width, height }: Canvas,
  from: Point,
  to: Point,
  radius: number,
  value: 0 | 1,
): void {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const [left, right] = [Math.min(from.x, to.x) - radius, Math.max(from.x, to.x) + radius];
  const [top, bottom] = [Math.min(from.y, to.y) - radius, Math.max(from.y, to.y) + radius];
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, bottom); y += 1) {
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(width, right); x += 1) {
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const [ox, oy] = [px - along * dx, py - along * dy];
      if (ox * ox + oy * oy <= radius * radius) bits[y * width + x] = value;
    }
  }
}

/** Sets every pixel whose centre is inside, by the even-odd rule. */
export function fillPolygon({ bits, width, height }: Canvas, corners: readonly Point[], value: 0 | 1): void {
  for (let y = 0; y < height; y += 1) {
    const crossings = crossingsAt(corners, y + 0.5);
    for (let at = 0; at + 1 < crossings.length; at += 2) {
      const from = Math.max(0, Math.ceil((crossings[at] as number) - 0.5));
      const to = Math.min(width, Math.ceil((crossings[at + 1] as number) - 0.5));
      if (to > from) bits.fill(value, y * width + from, y * width + to);
    }
  }
}

/** Where the sides cross a line of one height, from left to right. */
function crossingsAt(corners: readonly Point[], y: number): number[] {
  return corners
    .flatMap((a, at) => {
      const b = corners[(at + 1) % corners.length] as Point;
      return a.y <= y === b.y <= y ? [] : [a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)];
    })
    .sort((a, b) => a - b);
}
