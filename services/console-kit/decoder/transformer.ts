import type { Arena, Linear, Norm } from './arena';
import { Attention, type Rows } from './attention';
import { addTo, relu, sum } from './functions';
import type { WeightsReader } from './weights';

/** Of the layers' normalisations. */
export const EPSILON = 1e-5;

/** Where the layers compute; each is used by one of them after the other. */
export interface Scratch {
  /** Tokens of a prompt, at most, x the decoder's width. */
  tokens: [Float32Array, Float32Array, Float32Array, Float32Array];
  /** Tokens x the widest layer between. */
  hidden: Float32Array;
  /** Pixels of the embedding x the decoder's width. */
  image: [Float32Array, Float32Array];
  /** A weight for each key of an attention, and four more. */
  weights: Float32Array;
}

/** What of the first layer depends on the image alone. */
export interface ImageProjections {
  keys: Float32Array;
  values: Float32Array;
  queries: Float32Array;
}

/** One of SAM's layers in which tokens look at each other and at the image, and the image at the tokens. */
export class TwoWayLayer {
  private readonly self: Attention;
  private readonly toImage: Attention;
  private readonly toTokens: Attention;
  private readonly first: Linear;
  private readonly second: Linear;
  private readonly norms: Norm[];

  constructor(
    private readonly arena: Arena,
    weights: WeightsReader,
    heads: number,
    private readonly isFirst: boolean,
  ) {
    this.self = new Attention(arena, weights.in('self_attn'), heads);
    this.toImage = new Attention(arena, weights.in('cross_attn_token_to_image'), heads);
    this.toTokens = new Attention(arena, weights.in('cross_attn_image_to_token'), heads);
    this.first = weights.linear('mlp.lin1');
    this.second = weights.linear('mlp.lin2');
    this.norms = ['norm1', 'norm2', 'norm3', 'norm4'].map((name) => weights.norm(name));
  }

  /** Projects what the image is before the layer; `into` must stay until run(). */
  look(image: Rows, placed: Rows, into: ImageProjections): ImageProjections {
    this.toImage.project(placed, this.toImage.key, into.keys);
    this.toImage.project(image, this.toImage.value, into.values);
    this.toTokens.project(placed, this.toTokens.query, into.queries);
    return into;
  }

  /**
   * Changes tokens and image in place.
   * @param places what says where the tokens are, added before each look
   */
  run(tokens: Rows, places: Float32Array, image: Rows, seen: ImageProjections, scratch: Scratch): void {
    this.amongTokens(tokens, places, scratch);
    this.atImage(tokens, places, { values: seen.keys, count: image.count }, seen.values, scratch);
    this.alone(tokens, scratch);
    const [placed, keys, values] = scratch.tokens;
    const { count } = tokens;
    sum(tokens.values, places, placed);
    this.toTokens.project({ values: placed, count }, this.toTokens.key, keys);
    this.toTokens.project(tokens, this.toTokens.value, values);
    const [attended, change] = scratch.image;
    const queries = { values: seen.queries, count: image.count };
    this.toTokens.answer(queries, { values: keys, count }, values, { ...scratch, scratch: attended }, change);
    addTo(image.values, change);
    this.arena.normalise(image.values, image.count, this.norm(3), EPSILON);
  }

  private amongTokens(tokens: Rows, places: Float32Array, scratch: Scratch): void {
    const { count } = tokens;
    const [placed, q, k, v] = scratch.tokens;
    const looking = this.isFirst ? tokens.values : sum(tokens.values, places, placed);
    this.self.project({ values: looking, count }, this.self.query, q);
    this.self.project({ values: looking, count }, this.self.key, k);
    this.self.project(tokens, this.self.value, v);
    const change = scratch.hidden.subarray(0, tokens.values.length);
    this.self.answer({ values: q, count }, { values: k, count }, v, { ...scratch, scratch: placed }, change);
    if (this.isFirst) tokens.values.set(change);
    else addTo(tokens.values, change);
    this.arena.normalise(tokens.values, count, this.norm(0), EPSILON);
  }

  private atImage(tokens: Rows, places: Float32Array, keys: Rows, values: Float32Array, scratch: Scratch): void {
    lookAtImage(this.toImage, tokens, places, keys, values, scratch);
    this.arena.normalise(tokens.values, tokens.count, this.norm(1), EPSILON);
  }

  private alone(tokens: Rows, { tokens: [change], hidden }: Scratch): void {
    const between = hidden.subarray(0, tokens.count * this.first.outputs);
    this.arena.multiply(tokens.values, tokens.count, this.first, between);
    relu(between);
    this.arena.multiply(between, tokens.count, this.second, change);
    addTo(tokens.values, change.subarray(0, tokens.values.length));
    this.arena.normalise(tokens.values, tokens.count, this.norm(2), EPSILON);
  }

  private norm(at: number): Norm {
    return this.norms[at] as Norm;
  }
}

/** Adds to the tokens what they see in the image. */
export function lookAtImage(
  attention: Attention,
  tokens: Rows,
  places: Float32Array,
  keys: Rows,
  values: Float32Array,
  { tokens: [placed, queries, attended, change], weights }: Scratch,
): void {
  const { count } = tokens;
  sum(tokens.values, places, placed);
  attention.project({ values: placed, count }, attention.query, queries);
  attention.answer({ values: queries, count }, keys, values, { scratch: attended, weights }, change);
  addTo(tokens.values, change.subarray(0, tokens.values.length));
}
