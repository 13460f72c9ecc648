// Float and Double Float Pixel Data (PS3.3 C.7.6.24, C.7.6.25), as parametric maps hold them: measured values as they are.

import type { DataSet } from 'dicom-parser';
import { DOUBLE_PIXELS, FLOAT_PIXELS, type ParsedFile } from './data-set';
import { DicomError } from './errors';

/** Bits of a pixel that is a floating-point number; nothing where pixels are integers. */
export function floatBits(dataSet: DataSet): 32 | 64 | undefined {
  if (dataSet.elements[FLOAT_PIXELS]) return 32;
  return dataSet.elements[DOUBLE_PIXELS] ? 64 : undefined;
}

/** @throws DicomError (HEADER) where the header allocates other bits */
export function checkFloats(bits: 32 | 64, allocated: number): void {
  if (allocated === bits) return;
  throw new DicomError('HEADER', `The DICOM header allocates ${allocated} bits for floating-point pixels of ${bits}.`);
}

/** The values of a frame. @param frame bytes of one that is not compressed */
export function floatsOf({ dataSet, syntax }: ParsedFile, frame: Uint8Array): Float32Array | Float64Array {
  const isDouble = floatBits(dataSet) === 64;
  // A copy: it is swapped, and a typed array needs an aligned start.
  const bytes = new Uint8Array(frame);
  const words = Buffer.from(bytes.buffer);
  if (syntax.bigEndian) void (isDouble ? words.swap64() : words.swap32());
  return isDouble ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
}
