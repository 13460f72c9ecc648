import { encodeMaskPng } from '../../imaging/mask';
import { pixelPool } from '../../imaging/pixel-pool';
import type { DrawnMask } from './ports';

export type MaskEncoding = 'png' | 'coco-rle' | 'packed-bits';

export type EncodedMask =
  | { encoding: 'png'; png: Uint8Array }
  | { encoding: 'coco-rle'; cocoRle: string }
  | { encoding: 'packed-bits'; packedBits: Uint8Array };

/** Encodes a mask on other threads than this one. */
export async function encodeMask(drawn: DrawnMask, encoding: MaskEncoding): Promise<EncodedMask> {
  const { mask, width, height } = drawn;
  switch (encoding) {
    case 'png':
      return { encoding, png: await encodeMaskPng(mask, width, height) };
    case 'coco-rle':
      return { encoding, cocoRle: await pixelPool.rle(mask, width, height) };
    case 'packed-bits':
      return { encoding, packedBits: await pixelPool.bits(mask, width, height) };
  }
}
