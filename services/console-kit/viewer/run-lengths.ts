// Masks as COCO's compressed run lengths: column by column, background first.

/** Counts of the runs. The text is base 32 with the sign in bit 4, each count after the second less the one two before it. */
function decodeCounts(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length;) {
    let [value, shift, more] = [0, 0, true];
    while (more) {
      const code = text.charCodeAt(at) - 48;
      at += 1;
      value |= (code & 0x1f) << shift;
      more = (code & 0x20) !== 0;
      shift += 5;
      if (!more && (code & 0x10) !== 0) value |= -1 << shift;
    }
    counts.push(counts.length > 2 ? value + (counts[counts.length - 2] as number) : value);
  }
  return counts;
}

/** One byte for each pixel, row by row: 1 is foreground. */
export function decodeMask(text: string, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  let at = 0;
  decodeCounts(text).forEach((count, run) => {
    if (run % 2 === 1) {
      for (let pixel = at; pixel < at + count; pixel += 1)
        mask[(pixel % height) * width + Math.floor(pixel / height)] = 1;
    }
    at += count;
  });
  return mask;
}

/** The compressed run lengths of a mask, one byte for each pixel, row by row. */
export function encodeMask(mask: Uint8Array, width: number, height: number): string {
  const counts: number[] = [];
  let [value, run] = [0, 0];
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      const next = mask[y * width + x] === 1 ? 1 : 0;
      if (next !== value) {
        counts.push(run);
        [value, run] = [next, 0];
      }
      run += 1;
    }
  }
  counts.push(run);
  return counts.map((count, at) => encodeCount(at > 2 ? count - (counts[at - 2] as number) : count)).join('');
}

function encodeCount(count: number): string {
  let [text, rest, more] = ['', count, true];
  while (more) {
    const group = rest & 0x1f;
    rest >>= 5;
    more = (group & 0x10) !== 0 ? rest !== -1 : rest !== 0;
    text += String.fromCharCode((more ? group | 0x20 : group) + 48);
  }
  return text;
}
