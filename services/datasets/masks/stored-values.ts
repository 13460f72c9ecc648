// A mask as its file stores it, before anybody says what its values mean.

import type { Colour } from '../../imaging/palette';

export interface StoredMask {
  width: number;
  height: number;
  /** What a value is: an index, a grey value, or 0xRRGGBB. */
  kind: 'palette' | 'grey' | 'colour';
  values: Samples;
  /** The largest value of the sample type; 255 of float unless no sample is above 1. */
  scale: number;
  /** The encoding changes values. */
  lossy: boolean;
  /** Kind palette: of each index. */
  palette?: readonly Colour[];
  /** 0 to 255 per pixel, where it is not opaque all over; of a palette it is in its colours. */
  alpha?: Uint8Array;
}

export type Samples = ArrayLike<number> & Iterable<number>;
