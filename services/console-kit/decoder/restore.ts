/** Where an image lies on the base's square input: it fills inner width x inner height at (left, top). */
export interface Placement {
  size: number;
  left: number;
  top: number;
  innerWidth: number;
  innerHeight: number;
}

/** Of each value of a line: the two that it lies between, and the share of the second. */
interface Taps {
  first: Int32Array;
  second: Int32Array;
  share: Float64Array;
}

/** Linear interpolation along a line with the pixels' centres in their middle, as torch has it (align_corners = False). */
function tapsOf(from: number, to: number): Taps {
  const taps = { first: new Int32Array(to), second: new Int32Array(to), share: new Float64Array(to) };
  for (let at = 0; at < to; at += 1) {
    const position = Math.max(0, ((at + 0.5) * from) / to - 0.5);
    const first = Math.min(Math.floor(position), from - 1);
    taps.first[at] = first;
    taps.second[at] = Math.min(first + 1, from - 1);
    taps.share[at] = position - first;
  }
  return taps;
}

function alongRow(row: Float32Array, { first, second, share }: Taps, into: Float32Array): void {
  for (let at = 0; at < into.length; at += 1) {
    const from = row[first[at] as number] as number;
    into[at] = from + ((row[second[at] as number] as number) - from) * (share[at] as number);
  }
}

function between(a: Float32Array, b: Float32Array, share: number, into: Float32Array): void {
  for (let at = 0; at < into.length; at += 1)
    into[at] = (a[at] as number) + ((b[at] as number) - (a[at] as number)) * share;
}

/** Every row of the logits, interpolated to the base's input, cut to the image and interpolated to its width. */
function widened(logits: Float32Array, { size, left, innerWidth }: Placement, width: number): Float32Array[] {
  const edge = Math.sqrt(logits.length);
  const [toInput, toImage] = [tapsOf(edge, size), tapsOf(innerWidth, width)];
  const input = new Float32Array(size);
  return Array.from({ length: edge }, (_, row) => {
    alongRow(logits.subarray(row * edge, (row + 1) * edge), toInput, input);
    const into = new Float32Array(width);
    alongRow(input.subarray(left, left + innerWidth), toImage, into);
    return into;
  });
}

/**
 * The mask of logits of a base's input on the image: one byte for each pixel, 1 where the probability is above a half. Both
 * steps, to the input and to the image, are separable: rows first, a few of them at a time.
 */
export function restoredMask(
  logits: Float32Array,
  placement: Placement,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  const rows = widened(logits, placement, width);
  const [toInput, toImage] = [tapsOf(rows.length, placement.size), tapsOf(placement.innerHeight, height)];
  const kept = [0, 1].map(() => ({ row: -1, values: new Float32Array(width) }));
  // Neighbours of one another are asked for in turn, so that the two kept rows never take each other's place.
  const inputRow = (row: number): Float32Array => {
    const slot = kept[row % 2] as (typeof kept)[number];
    if (slot.row !== row) {
      const at = placement.top + row;
      const [a, b] = [rows[toInput.first[at] as number], rows[toInput.second[at] as number]];
      between(a as Float32Array, b as Float32Array, toInput.share[at] as number, slot.values);
      slot.row = row;
    }
    return slot.values;
  };
  const bits = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const [a, b] = [inputRow(toImage.first[y] as number), inputRow(toImage.second[y] as number)];
    const share = toImage.share[y] as number;
    for (let x = 0; x < width; x += 1, at += 1)
      if ((a[x] as number) + ((b[x] as number) - (a[x] as number)) * share > 0) bits[at] = 1;
  }
  return bits;
}
