// SAM's mask decoder in the browser (segment-anything, mask_decoder.py), for the mask that follows the pointer. The server's own,
// of LibTorch, is what a click gets.

import { Arena, type Linear, type Norm } from './arena';
import { Attention, type Rows } from './attention';
import { relu, sum } from './functions';
import { PromptTokens, type PlacedPoint } from './prompt-tokens';
import { EPSILON, lookAtImage, TwoWayLayer, type ImageProjections, type Scratch } from './transformer';
import { WeightsReader, type Weights } from './weights';

export interface DecoderLayout {
  /** Of the base's input along each side, pixels. */
  imageSize: number;
  /** Of the embedding along each side. */
  side: number;
  heads: number;
  depth: number;
  /** Masks that are proposed for one object, beside the one mask for all. */
  multimaskOutputs: number;
  /** Whether the mask of an object is the best of those, as SAM-Med2D has it. */
  bestOfMultimask: boolean;
}

export interface Prediction {
  /** Four values along each side of a pixel of the embedding, row by row. */
  logits: Float32Array;
  /** The decoder's own estimate of the IoU. */
  iou: number;
}

/** A point, and that no box is given. */
const PROMPT_TOKENS = 2;
const EPSILON_2D = 1e-6;
/** Logits along each side of a pixel of the embedding. */
const SCALE = 4;

export class MaskDecoder {
  private readonly arena: Arena;
  private readonly prompts: PromptTokens;
  private readonly layers: TwoWayLayer[];
  private readonly last: Attention;
  private readonly lastNorm: Norm;
  private readonly outputs: Float32Array[];
  private readonly upscaling: { first: Linear; norm: Norm; second: Linear };
  private readonly hypernetworks: Linear[][];
  private readonly iouHead: Linear[];
  private readonly width: number;
  private readonly pixels: number;
  private readonly scratch: Scratch;
  /** The image before the first layer, where its pixels are, and what follows from both. */
  private readonly image: Float32Array;
  private readonly grid: Float32Array;
  private readonly placed: Float32Array;
  private readonly seen: ImageProjections;
  private readonly later: ImageProjections;
  private readonly work: {
    tokens: Float32Array;
    places: Float32Array;
    image: Float32Array;
    up: [Float32Array, Float32Array];
  };

  /** @throws RangeError where weights are missing; WebAssembly.CompileError where the browser has no 128-bit vectors */
  constructor(
    weights: Weights,
    private readonly layout: DecoderLayout,
  ) {
    this.width = weights.get('prompt_encoder.no_mask_embed.weight')?.values.length ?? 0;
    this.pixels = layout.side ** 2;
    const arena = (this.arena = new Arena(roomFor(weights, this.pixels * this.width)));
    const reader = new WeightsReader(weights, arena);
    const decoder = reader.in('mask_decoder');
    this.prompts = new PromptTokens(reader.in('prompt_encoder'), layout.imageSize);
    const transformer = decoder.in('transformer');
    this.layers = Array.from(
      { length: layout.depth },
      (_, at) => new TwoWayLayer(arena, transformer.in(`layers.${at}`), layout.heads, at === 0),
    );
    this.last = new Attention(arena, transformer.in('final_attn_token_to_image'), layout.heads);
    this.lastNorm = transformer.norm('norm_final_attn');
    this.outputs = rowsOf(decoder.values('iou_token.weight'), this.width).concat(
      rowsOf(decoder.values('mask_tokens.weight'), this.width),
    );
    this.upscaling = {
      first: decoder.doubling('output_upscaling.0'),
      norm: decoder.norm('output_upscaling.1'),
      second: decoder.doubling('output_upscaling.3'),
    };
    const perceptron = (name: string): Linear[] => [0, 1, 2].map((at) => decoder.in(name).linear(`layers.${at}`));
    this.hypernetworks = Array.from({ length: layout.multimaskOutputs + 1 }, (_, at) =>
      perceptron(`output_hypernetworks_mlps.${at}`),
    );
    this.iouHead = perceptron('iou_prediction_head');
    const plane = (): Float32Array => arena.take(this.pixels * this.width);
    const projections = (): ImageProjections => ({ keys: plane(), values: plane(), queries: plane() });
    [this.image, this.grid, this.placed] = [plane(), plane(), plane()];
    [this.seen, this.later] = [projections(), projections()];
    const most = this.outputs.length + PROMPT_TOKENS;
    const tokens = (): Float32Array => arena.take(most * this.width);
    const widest = Math.max(this.width, ...[...weights.values()].map(({ shape }) => shape[0] ?? 0));
    this.scratch = {
      tokens: [tokens(), tokens(), tokens(), tokens()],
      hidden: arena.take(most * widest),
      image: [plane(), plane()],
      weights: arena.take(Math.max(this.pixels, most) + 4),
    };
    const up: [Float32Array, Float32Array] = [plane(), arena.take(2 * this.pixels * this.width)];
    this.work = { tokens: tokens(), places: tokens(), image: plane(), up };
    this.prompts.grid(layout.side, this.grid);
  }

  /** Takes the embedding of an image, channels x side x side; prompts are on it from then on. */
  look(features: Float32Array): void {
    const { pixels, width, image } = this;
    for (let pixel = 0; pixel < pixels; pixel += 1) {
      for (let channel = 0; channel < width; channel += 1)
        image[pixel * width + channel] =
          (features[channel * pixels + pixel] as number) + (this.prompts.noMask[channel] as number);
    }
    this.place(image);
    this.layers[0]?.look(rows(image, pixels), rows(this.placed, pixels), this.seen);
  }

  /** The mask that a point describes. */
  predict(point: PlacedPoint): Prediction {
    const tokens = this.tokensOf(point);
    const places = this.work.places.subarray(0, tokens.values.length);
    places.set(tokens.values);
    const image = rows(this.work.image, this.pixels);
    image.values.set(this.image);
    this.layers.forEach((layer, at) => {
      if (at > 0) this.place(image.values);
      const seen = at === 0 ? this.seen : layer.look(image, rows(this.placed, this.pixels), this.later);
      layer.run(tokens, places, image, seen, this.scratch);
    });
    this.place(image.values);
    const { keys, values } = this.later;
    this.last.project(rows(this.placed, this.pixels), this.last.key, keys);
    this.last.project(image, this.last.value, values);
    lookAtImage(this.last, tokens, places, rows(keys, this.pixels), values, this.scratch);
    this.arena.normalise(tokens.values, tokens.count, this.lastNorm, EPSILON);
    return this.draw(tokens.values, image.values);
  }

  private tokensOf(point: PlacedPoint): Rows {
    const all = [...this.outputs, ...this.prompts.of(point)];
    const values = this.work.tokens.subarray(0, all.length * this.width);
    all.forEach((row, at) => values.set(row, at * this.width));
    return { values, count: all.length };
  }

  /** `placed = image + grid` */
  private place(image: Float32Array): void {
    sum(image, this.grid, this.placed);
  }

  private draw(tokens: Float32Array, image: Float32Array): Prediction {
    const { layout, width } = this;
    const token = (at: number): Float32Array => tokens.subarray(at * width, (at + 1) * width);
    const ious = this.perceive(token(0), this.iouHead);
    const candidates = layout.bestOfMultimask
      ? Array.from({ length: layout.multimaskOutputs }, (_, at) => at + 1)
      : [0];
    const best = candidates.reduce((a, b) => ((ious[b] as number) > (ious[a] as number) ? b : a));
    const mix = this.perceive(token(1 + best), this.hypernetworks[best] ?? []);
    return { logits: this.mixed(this.upscaled(image), mix), iou: ious[best] as number };
  }

  /** Layers with rectified units between them, of one row. */
  private perceive(row: Float32Array, layers: readonly Linear[]): Float32Array {
    let [from, into, other] = [row, this.scratch.tokens[0], this.scratch.tokens[1]];
    layers.forEach((layer, at) => {
      this.arena.multiply(from, 1, layer, into);
      const made = into.subarray(0, layer.outputs);
      if (at < layers.length - 1) relu(made);
      [from, into, other] = [made, other, into];
    });
    return from.slice();
  }

  /** Sixteen rows for each pixel: by its rows and columns, twice. */
  private upscaled(image: Float32Array): Float32Array {
    const { first, norm, second } = this.upscaling;
    const [once, twice] = this.work.up;
    this.arena.multiply(image, this.pixels, first, once);
    this.arena.normalise(once, 4 * this.pixels, norm, EPSILON_2D);
    this.arena.gelu(once, this.pixels * first.outputs);
    this.arena.multiply(once, 4 * this.pixels, second, twice);
    this.arena.gelu(twice, 4 * this.pixels * second.outputs);
    return twice;
  }

  private mixed(upscaled: Float32Array, mix: Float32Array): Float32Array {
    const { side } = this.layout;
    const channels = this.upscaling.second.outputs / 4;
    const edge = SCALE * side;
    const logits = new Float32Array(edge * edge);
    for (let row = 0; row < upscaled.length / channels; row += 1) {
      let value = 0;
      for (let at = 0; at < channels; at += 1) value += (upscaled[row * channels + at] as number) * (mix[at] as number);
      const [pixel, outer, inner] = [row >> 4, (row >> 2) & 3, row & 3];
      const y = SCALE * Math.floor(pixel / side) + 2 * (outer >> 1) + (inner >> 1);
      const x = SCALE * (pixel % side) + 2 * (outer & 1) + (inner & 1);
      logits[y * edge + x] = value;
    }
    return logits;
  }
}

const rows = (values: Float32Array, count: number): Rows => ({ values, count });

function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

/** Values that the arena must hold: weights in panels, and what is computed. */
function roomFor(weights: Weights, plane: number): number {
  const all = [...weights.values()].reduce(
    (count, { values, shape }) => count + values.length + 8 * (shape[1] ?? 1),
    0,
  );
  const widest = Math.max(...[...weights.values()].map(({ shape }) => shape[0] ?? 0));
  return all + 20 * plane + 10 * 16 * widest + 65_536;
}
