import { addTo } from './functions';
import type { WeightsReader } from './weights';

/** In pixels of the base's square input, 0 at the centre of the first one. */
export interface PlacedPoint {
  x: number;
  y: number;
  foreground: boolean;
}

/** SAM's prompt encoder of a point (segment-anything, prompt_encoder.py). */
export class PromptTokens {
  private readonly frequencies: Float32Array;
  /** Background, foreground. */
  private readonly kinds: Float32Array[];
  private readonly nothing: Float32Array;
  readonly noMask: Float32Array;

  constructor(
    weights: WeightsReader,
    /** Of the base's input along each side, pixels. */
    private readonly imageSize: number,
  ) {
    this.frequencies = weights.values('pe_layer.positional_encoding_gaussian_matrix');
    this.kinds = [0, 1].map((kind) => weights.values(`point_embeddings.${kind}.weight`));
    this.nothing = weights.values('not_a_point_embed.weight');
    this.noMask = weights.values('no_mask_embed.weight');
  }

  /** One row for the point, and one that says that no box is given. */
  of({ x, y, foreground }: PlacedPoint): Float32Array[] {
    const token = new Float32Array(this.noMask.length);
    this.encode((x + 0.5) / this.imageSize, (y + 0.5) / this.imageSize, token);
    addTo(token, this.kinds[foreground ? 1 : 0] as Float32Array);
    return [token, this.nothing];
  }

  /** Where each pixel of the embedding is, row by row. */
  grid(side: number, into: Float32Array): void {
    const width = this.noMask.length;
    for (let row = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1) {
        const at = (row * side + column) * width;
        this.encode((column + 0.5) / side, (row + 0.5) / side, into.subarray(at, at + width));
      }
    }
  }

  /** Random frequencies of a place in the unit square: sines, then cosines. */
  private encode(x: number, y: number, into: Float32Array): void {
    const half = into.length / 2;
    for (let at = 0; at < half; at += 1) {
      const [fx, fy] = [this.frequencies[at] as number, this.frequencies[half + at] as number];
      const angle = 2 * Math.PI * ((2 * x - 1) * fx + (2 * y - 1) * fy);
      into[at] = Math.sin(angle);
      into[half + at] = Math.cos(angle);
    }
  }
}
