import { automedError } from '../common/errors';

function parseRuns(rle: string, pixelCount: number): number[] {
  const broken = (): Error =>
    automedError('INVALID_ARGUMENT', 'The run-length encoding is damaged or of another size.', { field: 'rle' });
  const counts: number[] = [];
  let total = 0;
  for (let at = 0; at < rle.length;) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      const group = rle.charCodeAt(at) - 48;
      if (!(group >= 0 && group < 64) || shift > 30) throw broken();
      value |= (group & 0x1f) << shift;
      more = (group & 0x20) !== 0;
      shift += 5;
      at += 1;
      if (!more && group & 0x10 && shift < 32) value |= -1 << shift;
    }
    if (counts.length > 2) value += counts[counts.length - 2] ?? 0;
    if (value < 0) throw broken();
    counts.push(value);
    total += value;
  }
  if (total !== pixelCount) throw broken();
  return counts;
}

/**
 * The mask behind `coco_rle` of an answer (COCO's compressed run-length encoding, column by column): 0 or 1 per pixel, row by row.
 * @throws InvalidInputError (field `rle`) for text that is damaged or of another size
 */
export function decodeRle(rle: string, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  let position = 0;
  parseRuns(rle, mask.length).forEach((run, index) => {
    if (index % 2 === 1) {
      for (let at = position; at < position + run; at += 1) mask[(at % height) * width + Math.floor(at / height)] = 1;
    }
    position += run;
  });
  return mask;
}
