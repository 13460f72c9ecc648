// What page and worker say to each other.

import type { Tensor } from '../api/types';
import type { DecoderLayout } from './mask-decoder';
import type { PlacedPoint } from './prompt-tokens';
import type { Placement } from './restore';

export type Order = { id: number } & (
  | { kind: 'load'; weights: { name: string; tensor: Tensor }[]; layout: DecoderLayout }
  /** Features in base64. */
  | { kind: 'look'; features: string }
  | { kind: 'draw'; point: PlacedPoint; placement: Placement; width: number; height: number }
);

export interface Answer {
  id: number;
  /** One byte for each pixel of the image, row by row; 1 is foreground. */
  bits?: Uint8Array<ArrayBuffer>;
  failure?: string;
}
