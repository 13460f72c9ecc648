import { checkWidth, type Arena, type Linear } from './arena';
import type { WeightsReader } from './weights';

/** Rows of a matrix of the arena. */
export interface Rows {
  values: Float32Array;
  count: number;
}

/** SAM's attention of the decoder (segment-anything, transformer.py): projections of queries, keys and values, and one out. */
export class Attention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  private readonly out: Linear;
  /** Values of a row between the projections. */
  readonly width: number;

  constructor(
    private readonly arena: Arena,
    weights: WeightsReader,
    private readonly heads: number,
  ) {
    this.query = weights.linear('q_proj');
    this.key = weights.linear('k_proj');
    this.value = weights.linear('v_proj');
    this.out = weights.linear('out_proj');
    this.width = this.query.outputs;
    checkWidth(this.width / heads, 'a head of attention');
  }

  /** Projects rows by one of the three. */
  project({ values, count }: Rows, by: Linear, into: Float32Array): Float32Array {
    this.arena.multiply(values, count, by, into);
    return into;
  }

  /**
   * Answers projected queries from projected keys and values.
   * @param scratch `queries.count` x `width`
   * @param weights `keys.count` + 4
   */
  answer(
    { values: q, count: queries }: Rows,
    { values: k, count: keys }: Rows,
    v: Float32Array,
    { scratch, weights }: { scratch: Float32Array; weights: Float32Array },
    into: Float32Array,
  ): void {
    const { width, heads } = this;
    this.arena.attend({ q, k, v }, { queries, keys, width, heads }, weights, scratch);
    this.arena.multiply(scratch, queries, this.out, into);
  }
}
