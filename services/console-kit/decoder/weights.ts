import { checkWidth, type Arena, type Linear, type Norm } from './arena';

/** Weights by the names that the published checkpoints give them, e.g. `mask_decoder.iou_token.weight`. */
export type Weights = ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>;

/** Finds weights under a prefix, and lays them out for the arena. */
export class WeightsReader {
  constructor(
    private readonly weights: Weights,
    private readonly arena: Arena,
    private readonly prefix = '',
  ) {}

  /** The same below a name, e.g. `in('mask_decoder')`. */
  in(name: string): WeightsReader {
    return new WeightsReader(this.weights, this.arena, `${this.prefix}${name}.`);
  }

  /** @throws RangeError where the base has no such weights */
  values(name: string): Float32Array {
    return this.find(name).values;
  }

  shape(name: string): readonly number[] {
    return this.find(name).shape;
  }

  norm(name: string): Norm {
    const [scale, shift] = [this.values(`${name}.weight`), this.values(`${name}.bias`)];
    checkWidth(scale.length, this.prefix + name);
    return { scale: this.arena.copy(scale), shift: this.arena.copy(shift) };
  }

  /** torch's Linear: `weight[outputs, inputs]`. */
  linear(name: string): Linear {
    const { values, shape } = this.find(`${name}.weight`);
    const [outputs = 0, inputs = 0] = shape;
    const at = (input: number, output: number): number => values[output * inputs + input] as number;
    return this.arena.linear(inputs, outputs, at, this.values(`${name}.bias`));
  }

  /**
   * torch's ConvTranspose2d of kernel and stride 2, `weight[inputs, channels, 2, 2]`, as a product: each pixel gives four, and
   * the outputs are ordered by row, column and channel of these.
   */
  doubling(name: string): Linear {
    const { values, shape } = this.find(`${name}.weight`);
    const [inputs = 0, channels = 0] = shape;
    const at = (input: number, output: number): number => {
      const [place, channel] = [Math.floor(output / channels), output % channels];
      return values[(input * channels + channel) * 4 + place] as number;
    };
    const bias = this.values(`${name}.bias`);
    const repeated = Float32Array.from({ length: 4 * channels }, (_, output) => bias[output % channels] as number);
    return this.arena.linear(inputs, 4 * channels, at, repeated);
  }

  private find(name: string) {
    const found = this.weights.get(this.prefix + name);
    if (!found) throw new RangeError(`the base has no ${this.prefix}${name}`);
    return found;
  }
}
