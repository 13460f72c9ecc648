// A picture at the size that it has on the screen, where that is smaller: a window is then a look-up for each pixel that is seen, not
// for each that was stored. Stored values are averaged by the area that a pixel of the screen covers.

import type { Picture } from './picture';

/** What each place of a line covers of a longer one: from `first`, `count` of them, the outer two in part. */
interface Spans {
  first: Int32Array;
  count: Int32Array;
  /** Shares of the first and of the last one; of a single one the first says all. */
  head: Float64Array;
  tail: Float64Array;
}

function spansOf(from: number, to: number): Spans {
  const [first, count] = [new Int32Array(to), new Int32Array(to)];
  const [head, tail] = [new Float64Array(to), new Float64Array(to)];
  for (let at = 0; at < to; at += 1) {
    const [start, end] = [(at * from) / to, ((at + 1) * from) / to];
    const [low, high] = [Math.floor(start), Math.min(from, Math.ceil(end - 1e-9))];
    first[at] = low;
    count[at] = high - low;
    head[at] = Math.min(low + 1, end) - start;
    tail[at] = end - (high - 1);
  }
  return { first, count, head, tail };
}

/** Adds a row, averaged over what each place covers, `weight` times. */
function addRow(
  values: ArrayLike<number>,
  start: number,
  step: number,
  { first, count, head, tail }: Spans,
  weight: number,
  sums: Float64Array,
): void {
  for (let at = 0; at < sums.length; at += 1) {
    let from = start + (first[at] as number) * step;
    let sum = (values[from] as number) * (head[at] as number);
    const covered = count[at] as number;
    for (let next = 2; next < covered; next += 1) sum += values[(from += step)] as number;
    if (covered > 1) sum += (values[from + step] as number) * (tail[at] as number);
    sums[at] = (sums[at] as number) + sum * weight;
  }
}

interface Lines {
  columns: Spans;
  rows: Spans;
  /** Area of the picture that a pixel covers. */
  area: number;
}

/** One of `step` channels that lie beside each other. */
function shrinkChannel(
  values: ArrayLike<number>,
  width: number,
  { channel, step }: { channel: number; step: number },
  { columns, rows, area }: Lines,
  into: Uint16Array | Uint8ClampedArray,
): void {
  const across = columns.first.length;
  const sums = new Float64Array(across);
  for (let y = 0; y < rows.first.length; y += 1) {
    sums.fill(0);
    const [top, count] = [rows.first[y] as number, rows.count[y] as number];
    for (let row = 0; row < count; row += 1) {
      const inner = row === count - 1 ? (rows.tail[y] as number) : 1;
      const weight = row === 0 ? (rows.head[y] as number) : inner;
      addRow(values, (top + row) * width * step + channel, step, columns, weight, sums);
    }
    for (let x = 0; x < across; x += 1)
      into[(y * across + x) * step + channel] = Math.round((sums[x] as number) / area);
  }
}

/** @param scale pixels of the screen for each of the picture, `(0, 1]` */
export function shrunk(picture: Picture, scale: number): Picture {
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  if (width === picture.width && height === picture.height) return picture;
  const lines: Lines = {
    columns: spansOf(picture.width, width),
    rows: spansOf(picture.height, height),
    area: (picture.width * picture.height) / (width * height),
  };
  if (picture.kind === 'gray') {
    const values = new Uint16Array(width * height);
    shrinkChannel(picture.values, picture.width, { channel: 0, step: 1 }, lines, values);
    return { ...picture, width, height, values };
  }
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let channel = 0; channel < 3; channel += 1)
    shrinkChannel(picture.rgba, picture.width, { channel, step: 4 }, lines, rgba);
  return { ...picture, width, height, rgba };
}
