import type { WeightsReader } from './weights';

/** In pixels of the base's square input, 0 at the centre of the first one. */
export interface PlacedPrompts {
  points: readonly { x: number; y: number; foreground: boolean }[];
  box?: { x0: number; y0: number; x1: number; y1: number } | undefined;
}

/** SAM's prompt encoder of points and a box (segment-anything, prompt_encoder.py). */
export class PromptTokens {
  private readonly frequencies: Float32Array;
  /** Background, foreground, upper left and lower right corner. */
  private readonly kinds: Float32Array[];
  private readonly nothing: Float32Array;
  readonly noMask: Float32Array;

  constructor(
    weights: WeightsReader,
    /** Of the base's input along each side, pixels. */
    private readonly imageSize: number,
  ) {
    this.frequencies = weights.values('pe_layer.positional_encoding_gaussian_matrix');
    this.kinds = [0, 1, 2, 3].map((kind) => weights.values(`point_embeddings.${kind}.weight`));
    this.nothing = weights.values('not_a_point_embed.weight');
    this.noMask = weights.values('no_mask_embed.weight');
  }

  /** One row for each point and corner, and one that says that no box is given. */
  of({ points, box }: PlacedPrompts): Float32Array[] {
    const rows = points.map(({ x, y, foreground }) => this.placed(x, y, foreground ? 1 : 0));
    if (box) return [...rows, this.placed(box.x0, box.y0, 2), this.placed(box.x1, box.y1, 3)];
    return [...rows, this.nothing];
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

  private placed(x: number, y: number, kind: number): Float32Array {
    const token = new Float32Array(this.noMask.length);
    this.encode((x + 0.5) / this.imageSize, (y + 0.5) / this.imageSize, token);
    const what = this.kinds[kind] as Float32Array;
    for (let at = 0; at < token.length; at += 1) token[at] = (token[at] as number) + (what[at] as number);
    return token;
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
