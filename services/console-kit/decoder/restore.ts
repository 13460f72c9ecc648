/** Where an image lies on the base's square input: it fills inner width x inner height at (left, top). */
export interface Placement {
  size: number;
  left: number;
  top: number;
  innerWidth: number;
  innerHeight: number;
}

interface Plane {
  values: Float32Array;
  width: number;
  height: number;
}

/** Bilinear interpolation with the pixels' centres in their middle, as torch has it (align_corners = False). */
export function resized({ values, width, height }: Plane, toWidth: number, toHeight: number): Plane {
  const [columns, rows] = [taps(width, toWidth), taps(height, toHeight)];
  const into = new Float32Array(toWidth * toHeight);
  for (let y = 0; y < toHeight; y += 1) {
    const { first, second, share } = rows[y] as Tap;
    for (let x = 0; x < toWidth; x += 1) {
      const column = columns[x] as Tap;
      const along = (row: number): number => {
        const from = values[row * width + column.first] as number;
        return from + ((values[row * width + column.second] as number) - from) * column.share;
      };
      const upper = along(first);
      into[y * toWidth + x] = upper + (along(second) - upper) * share;
    }
  }
  return { values: into, width: toWidth, height: toHeight };
}

interface Tap {
  first: number;
  second: number;
  /** Of the second. */
  share: number;
}

function taps(from: number, to: number): Tap[] {
  return Array.from({ length: to }, (_, at) => {
    const position = Math.max(0, ((at + 0.5) * from) / to - 0.5);
    const first = Math.min(Math.floor(position), from - 1);
    return { first, second: Math.min(first + 1, from - 1), share: position - first };
  });
}

/** The mask of logits of a base's input on the image: one byte for each pixel, 1 where the probability is above a half. */
export function restoredMask(
  logits: Float32Array,
  { size, left, top, innerWidth, innerHeight }: Placement,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  const edge = Math.sqrt(logits.length);
  const full = resized({ values: logits, width: edge, height: edge }, size, size);
  const inner = new Float32Array(innerWidth * innerHeight);
  for (let row = 0; row < innerHeight; row += 1) {
    const from = (top + row) * size + left;
    inner.set(full.values.subarray(from, from + innerWidth), row * innerWidth);
  }
  const plane = { values: inner, width: innerWidth, height: innerHeight };
  const { values } = innerWidth === width && innerHeight === height ? plane : resized(plane, width, height);
  return Uint8Array.from(values, (value) => (value > 0 ? 1 : 0));
}
