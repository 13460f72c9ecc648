// What page and worker say to each other.

import type { Tensor } from '../api/types';
import type { DecoderLayout } from './mask-decoder';
import type { PlacedPrompts } from './prompt-tokens';
import type { Placement } from './restore';

export type Order = { id: number } & (
  | { kind: 'load'; weights: { name: string; tensor: Tensor }[]; layout: DecoderLayout }
  /** Features in base64. */
  | { kind: 'look'; features: string }
  | { kind: 'draw'; prompts: PlacedPrompts; placement: Placement; width: number; height: number }
);

export interface DrawnBits {
  /** One byte for each pixel of the image, row by row; 1 is foreground. */
  bits: Uint8Array<ArrayBuffer>;
  /** The decoder's own estimate of the IoU. */
  iou: number;
}

export interface Answer {
  id: number;
  drawn?: DrawnBits;
  failure?: string;
}
