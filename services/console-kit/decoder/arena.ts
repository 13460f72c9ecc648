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

type Multiply = (a: number, b: number, bias: number, c: number, m: number, k: number, n: number) => void;

/** A layer's weights as the kernel reads them. */
export interface Linear {
  weights: Float32Array;
  bias: Float32Array;
  inputs: number;
  /** A multiple of eight; columns beyond the layer's own are zero. */
  outputs: number;
}

/** Memory that WebAssembly computes in, handed out from the bottom. Everything in it is float32. */
export class Arena {
  private readonly memory: { buffer: ArrayBuffer };
  private readonly product: Multiply;
  private top = ALIGNMENT;

  /** @throws WebAssembly.CompileError where the browser has no 128-bit vectors */
  constructor(values: number) {
    const pages = Math.ceil((values * Float32Array.BYTES_PER_ELEMENT) / PAGE_BYTES) + 1;
    this.memory = new wasm.Memory({ initial: pages, maximum: pages });
    const { exports } = new wasm.Instance(new wasm.Module(bytes), { env: { memory: this.memory } });
    this.product = exports['multiply'] as Multiply;
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
    this.product(from.byteOffset, weights.byteOffset, bias.byteOffset, into.byteOffset, rows, inputs, outputs);
  }
}
