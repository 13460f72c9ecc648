// Entry of the pixel pool's threads: what can be asked of them.

import { move } from 'piscina';
import { encodeRle, packBits } from './mask-codes';
import { packRows, pngOfRowsSync } from './mask-png';
import { rearrange, type SampleOrder } from './rearrange';

export interface MaskTask {
  mask: Uint8Array;
  width: number;
  height: number;
}

export interface RearrangeTask extends SampleOrder {
  from: Uint8Array;
}

export function rle({ mask, width, height }: MaskTask): string {
  return encodeRle(mask, width, height);
}

export function png({ mask, width, height }: MaskTask) {
  // A copy: Node's compressor answers parts of larger buffers, which cannot be given away.
  return move(new Uint8Array(pngOfRowsSync(packRows(mask, width, height), width, height)));
}

export function bits({ mask }: MaskTask) {
  return move(packBits(mask));
}

export function interleave({ from, ...order }: RearrangeTask) {
  return move(rearrange(from, order));
}
