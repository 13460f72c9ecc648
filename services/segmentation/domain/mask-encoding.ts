import { encodeMaskPng, encodeRle, packBits } from '../../imaging/mask';
import type { DrawnMask } from './ports';

export type MaskEncoding = 'png' | 'coco-rle' | 'packed-bits';

export type EncodedMask =
  | { encoding: 'png'; png: Uint8Array }
  | { encoding: 'coco-rle'; cocoRle: string }
  | { encoding: 'packed-bits'; packedBits: Uint8Array };

export async function encodeMask(drawn: DrawnMask, encoding: MaskEncoding): Promise<EncodedMask> {
  const { mask, width, height } = drawn;
  switch (encoding) {
    case 'png':
      return { encoding, png: await encodeMaskPng(mask, width, height) };
    case 'coco-rle':
      return { encoding, cocoRle: encodeRle(mask, width, height) };
    case 'packed-bits':
      return { encoding, packedBits: packBits(mask) };
  }
}
