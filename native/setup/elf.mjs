// What a shared library asks the dynamic linker for: the DT_NEEDED entries of a 64-bit little-endian ELF file, as all of
// LibTorch's platforms have them. Read from the program headers, which a stripped library keeps; no tool is needed.

import { closeSync, openSync, readSync } from 'node:fs';

const [PT_LOAD, PT_DYNAMIC] = [1, 2];
const [DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ] = [0n, 1n, 5n, 10n];

function segmentsOf(read) {
  const header = read(0, 64);
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return undefined;
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  const table = read(Number(header.readBigUInt64LE(32)), size * count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * size;
    const [offset, address, , bytes] = [8, 16, 24, 32].map((field) => Number(table.readBigUInt64LE(at + field)));
    return { type: table.readUInt32LE(at), offset, address, bytes };
  });
}

/** Names (sonames) that the library at `path` needs; empty for a file that is no such library. */
export function neededBy(path) {
  const file = openSync(path, 'r');
  const read = (at, length) => {
    const bytes = Buffer.alloc(length);
    if (readSync(file, bytes, 0, length, at) < length) throw new RangeError('cut short');
    return bytes;
  };
  try {
    const segments = segmentsOf(read);
    const dynamic = segments?.find(({ type }) => type === PT_DYNAMIC);
    if (dynamic === undefined) return [];
    const table = read(dynamic.offset, dynamic.bytes);
    const entries = [];
    for (let at = 0; at + 16 <= table.length && table.readBigUInt64LE(at) !== DT_NULL; at += 16)
      entries.push([table.readBigUInt64LE(at), Number(table.readBigUInt64LE(at + 8))]);
    const valueOf = (tag) => entries.find(([known]) => known === tag)?.[1] ?? 0;
    const strings = valueOf(DT_STRTAB);
    const holder = segments.find(
      ({ type, address, bytes }) => type === PT_LOAD && strings >= address && strings < address + bytes,
    );
    if (holder === undefined) return [];
    const text = read(holder.offset + strings - holder.address, valueOf(DT_STRSZ));
    return entries
      .filter(([tag]) => tag === DT_NEEDED)
      .map(([, at]) => text.toString('latin1', at, text.indexOf(0, at)));
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  } finally {
    closeSync(file);
  }
}
