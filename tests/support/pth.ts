// Writes .pth files as Python's torch.save does (zip format, protocol 2), from safetensors files.

import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface Tensor {
  shape: number[];
  /** Little endian. */
  data: Buffer;
  /** Default: float32. */
  dtype?: keyof typeof STORAGES;
}

const STORAGES = { F32: { name: 'FloatStorage', bytes: 4 }, I64: { name: 'LongStorage', bytes: 8 } };

export function readSafetensors(path: string): Map<string, Tensor> {
  const bytes = readFileSync(path);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { dtype: keyof typeof STORAGES; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    if (!(dtype in STORAGES)) throw new Error(`${name} is ${dtype}, which this writer does not know`);
    const begin = 8 + headerBytes;
    tensors.set(name, { dtype, shape, data: bytes.subarray(begin + offsets[0], begin + offsets[1]) });
  }
  return tensors;
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u16 = (value: number): Buffer => u32(value).subarray(0, 2);
const op = (text: string): Buffer => Buffer.from(text, 'latin1');
const text = (value: string): Buffer => Buffer.concat([op('X'), u32(Buffer.byteLength(value)), Buffer.from(value)]);
const integer = (value: number): Buffer => Buffer.concat([op('J'), u32(value)]);
const tuple = (values: readonly number[]): Buffer => Buffer.concat([op('('), ...values.map(integer), op('t')]);
const ORDERED_DICT = op('ccollections\nOrderedDict\n)R');

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
}

function stateDict(tensors: ReadonlyMap<string, Tensor>): Buffer {
  const items = [...tensors].flatMap(([name, { shape, data, dtype = 'F32' }], index) => [
    text(name),
    op('ctorch._utils\n_rebuild_tensor_v2\n(('),
    text('storage'),
    op(`ctorch\n${STORAGES[dtype].name}\n`),
    text(String(index)),
    text('cpu'),
    integer(data.length / STORAGES[dtype].bytes),
    op('tQ'),
    integer(0),
    tuple(shape),
    tuple(stridesOf(shape)),
    op('\x89'),
    ORDERED_DICT,
    op('tR'),
  ]);
  return Buffer.concat([ORDERED_DICT, op('('), ...items, op('u')]);
}

/** A zip archive of stored entries. */
function zip(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const facts = Buffer.concat([u32(crc32(content)), u32(content.length), u32(content.length), u16(name.length)]);
    const file = [op('PK\x03\x04'), Buffer.alloc(10), facts, u16(0), Buffer.from(name), content];
    directory.push(op('PK\x01\x02'), Buffer.alloc(12), facts, Buffer.alloc(12), u32(offset), Buffer.from(name));
    files.push(...file);
    offset += file.reduce((sum, part) => sum + part.length, 0);
  }
  const listed = Buffer.concat(directory);
  const count = u16(entries.length);
  return Buffer.concat([
    ...files,
    listed,
    op('PK\x05\x06'),
    u32(0),
    count,
    count,
    u32(listed.length),
    u32(offset),
    u16(0),
  ]);
}

/** `nested`: as `{"model": state dict, "epoch": 7}`. */
export function writePth(path: string, tensors: ReadonlyMap<string, Tensor>, nested = false): void {
  const state = stateDict(tensors);
  const value = nested ? Buffer.concat([op('}('), text('model'), state, text('epoch'), integer(7), op('u')]) : state;
  const pickle = Buffer.concat([op('\x80\x02'), value, op('.')]);
  const storages = [...tensors.values()].map(({ data }, index) => [`a/data/${index}`, data] as const);
  writeFileSync(path, zip([['a/data.pkl', pickle], ...storages]));
}
