import { bytes } from './kernel.wat';

const PAGE_BYTES = 65_536;
const ALIGNMENT = 16;
/** Columns that the kernel computes together. */
const PANEL = 8;

/** What is used of WebAssembly, whose types come with those of a browser alone; Node runs it for the tests. */
interface Wasm {
  Memory: new (pages: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> };
}
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };

/** What kernel.wat computes. */
type Kernel = Record<'multiply' | 'attend' | 'normalise' | 'gelu', (...numbers: number[]) => void>;

/** Values that one instruction computes: rows are multiples of it. */
const LANES = 4;

/** A layer's weights as the kernel reads them. */
export interface Linear {
  weights: Float32Array;
  bias: Float32Array;
  inputs: number;
  /** A multiple of eight; columns beyond the layer's own are zero. */
  outputs: number;
}

/** Scale and shift of a normalisation, of the arena's memory. */
export interface Norm {
  scale: Float32Array;
  shift: Float32Array;
}

/** Memory that WebAssembly computes in, handed out from the bottom. Everything in it is float32. */
export class Arena {
  private readonly memory: { buffer: ArrayBuffer };
  private readonly kernel: Kernel;
  private top = ALIGNMENT;

  /** @throws WebAssembly.CompileError where the browser has no 128-bit vectors */
  constructor(values: number) {
    const pages = Math.ceil((values * Float32Array.BYTES_PER_ELEMENT) / PAGE_BYTES) + 1;
    this.memory = new wasm.Memory({ initial: pages, maximum: pages });
    const { exports } = new wasm.Instance(new wasm.Module(bytes), { env: { memory: this.memory } });
    this.kernel = exports as Kernel;
  }

  /** Room for so many values, zero at first; it moves no more. */
  take(count: number): Float32Array {
    const bytes = count * Float32Array.BYTES_PER_ELEMENT;
    const at = this.top;
    if (at + bytes > this.memory.buffer.byteLength) throw new RangeError('the decoder needs more memory than it took');
    this.top = Math.ceil((at + bytes) / ALIGNMENT) * ALIGNMENT;
    return new Float32Array(this.memory.buffer, at, count);
  }

  /**
   * Lays out a matrix for multiply().
   * @param at value of the matrix at (input, output)
   * @param bias one value for each output
   */
  linear(inputs: number, outputs: number, at: (input: number, output: number) => number, bias: Float32Array): Linear {
    const padded = Math.ceil(outputs / PANEL) * PANEL;
    const linear = { weights: this.take(inputs * padded), bias: this.take(padded), inputs, outputs: padded };
    linear.bias.set(bias);
    for (let output = 0; output < outputs; output += 1) {
      const panel = Math.floor(output / PANEL) * PANEL * inputs + (output % PANEL);
      for (let input = 0; input < inputs; input += 1) linear.weights[panel + input * PANEL] = at(input, output);
    }
    return linear;
  }

  /** `into[rows, outputs] = from[rows, inputs] weights + bias`. Both matrices are row-major and of this memory. */
  multiply(from: Float32Array, rows: number, { weights, bias, inputs, outputs }: Linear, into: Float32Array): void {
    this.kernel.multiply(from.byteOffset, weights.byteOffset, bias.byteOffset, into.byteOffset, rows, inputs, outputs);
  }

  /** Values of the arena: a copy. */
  copy(values: Float32Array): Float32Array {
    const made = this.take(values.length);
    made.set(values);
    return made;
  }

  /**
   * Attention of several heads: each of `queries` rows is answered with the mean of `keys` rows' values, weighted by the softmax of their dot products.
   * @param heads each takes its share of a row; the shares are multiples of four
   * @param weights room for keys + 4
   */
  attend(
    { q, k, v }: { q: Float32Array; k: Float32Array; v: Float32Array },
    { queries, keys, width, heads }: { queries: number; keys: number; width: number; heads: number },
    weights: Float32Array,
    into: Float32Array,
  ): void {
    const depth = width / heads;
    const [stride, share] = [width, depth].map((count) => count * Float32Array.BYTES_PER_ELEMENT) as [number, number];
    const [from, keysAt, valuesAt] = [q.byteOffset, k.byteOffset, v.byteOffset];
    const scale = 1 / Math.sqrt(depth);
    this.kernel.attend(
      from,
      queries,
      keysAt,
      valuesAt,
      keys,
      stride,
      share,
      scale,
      into.byteOffset,
      weights.byteOffset,
    );
  }

  /** Normalises each row, as wide as the scale, to mean 0 and deviation 1, then scales and shifts it. */
  normalise(values: Float32Array, rows: number, { scale, shift }: Norm, epsilon: number): void {
    this.kernel.normalise(values.byteOffset, rows, scale.length, scale.byteOffset, shift.byteOffset, epsilon);
  }

  /** x Phi(x) in place, of the first values. @param count a multiple of four */
  gelu(values: Float32Array, count: number): void {
    this.kernel.gelu(values.byteOffset, count);
  }
}

/** @throws RangeError where rows are not as the kernel needs them */
export function checkWidth(width: number, what: string): void {
  if (width % LANES !== 0) throw new RangeError(`${what} is ${width} values wide, which is no multiple of ${LANES}`);
}
