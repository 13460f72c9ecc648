// Weights that are finite and compute NaN or Inf.

import { readFileSync, writeFileSync } from 'node:fs';

/** Below the largest float32, so that any product with 2 overflows. */
export const HUGE = 3e38;

/** Overwrites every element of the float32 tensors whose name matches, in a safetensors file. */
export function fillTensors(path: string, names: RegExp, value = HUGE): void {
  const bytes = readFileSync(path);
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, data)) as Record<string, { data_offsets: [number, number] }>;
  const found = Object.entries(header).filter(([name]) => names.test(name));
  if (found.length === 0) throw new Error(`no tensor is named ${names.source}`);
  for (const [, { data_offsets: offsets }] of found) {
    for (let at = data + offsets[0]; at < data + offsets[1]; at += 4) bytes.writeFloatLE(value, at);
  }
  writeFileSync(path, bytes);
}
