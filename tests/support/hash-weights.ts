// Pixels and weights computed from names alone, bit for bit as hash_weights.py of the reference computes them: both sides
// of a comparison make them, and nobody stores them.

import { readFileSync, writeFileSync } from 'node:fs';

const SQRT_3 = Math.sqrt(3);

/** FNV-1a of 32 bits. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** From 0 up to, but not, 1; for the flat index. */
function uniform(seed: number, index: number): number {
  let x = (seed + Math.imul(index, 0x9e3779b9)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return ((x ^ (x >>> 16)) >>> 0) / 4294967296;
}

/** Bytes of noise. */
export function hashPixels(name: string, count: number): Uint8Array {
  const seed = seedOf(name);
  return Uint8Array.from({ length: count }, (_, index) => Math.floor(uniform(seed, index) * 256));
}

/** What a value of unit variance becomes in a tensor of this name and shape. */
function scaling(name: string, shape: readonly number[], count: number): (value: number) => number {
  const [first = 1, ...rest] = shape;
  if (name.endsWith('gaussian_matrix')) return (value) => value;
  const table = rest.length === 1 && first === 1;
  if (/rel_pos|pos_embed|mask_tokens/.test(name) || table) return (value) => 0.2 * value;
  if (shape.length === 1) return (value) => (name.endsWith('weight') ? 1 : 0) + 0.1 * value;
  const fanIn = Math.sqrt(count / first);
  return (value) => value / fanIn;
}

/** Overwrites every float32 tensor of a safetensors file by what follows from its name; batch norms are not known here. */
export function fillByName(path: string): void {
  const bytes = readFileSync(path);
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  interface Entry {
    shape: number[];
    data_offsets: [number, number];
  }
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.toString('utf8', 8, data)) as Record<string, Entry>;
  for (const [name, { shape, data_offsets: offsets }] of Object.entries(tensors)) {
    const count = (offsets[1] - offsets[0]) / 4;
    const [seed, scaled] = [seedOf(name), scaling(name, shape, count)];
    for (let index = 0; index < count; index += 1) {
      bytes.writeFloatLE(scaled((2 * uniform(seed, index) - 1) * SQRT_3), data + offsets[0] + 4 * index);
    }
  }
  writeFileSync(path, bytes);
}
