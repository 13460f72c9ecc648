import { readFileSync } from 'node:fs';

const TYPES = { F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const;
type Tensors = ReadonlyMap<string, Float32Array | Int32Array | Uint8Array>;

/** The tensors of a safetensors file by name, flat. */
export function readTensors(path: string): Tensors {
  const bytes = readFileSync(path);
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  interface Entry {
    dtype: keyof typeof TYPES;
    data_offsets: [number, number];
  }
  const header = JSON.parse(bytes.toString('utf8', 8, data)) as Record<string, Entry>;
  return new Map(
    Object.entries(header).map(([name, { dtype, data_offsets: offsets }]) => {
      const { buffer } = new Uint8Array(bytes.subarray(data + offsets[0], data + offsets[1]));
      return [name, new TYPES[dtype](buffer)];
    }),
  );
}
