// Lookup tables of a DICOM header (PS3.3 C.11.1.1.1): modality LUT, VOI LUT, and the three of a palette.

import type { DataSet } from 'dicom-parser';
import { DicomError } from './errors';

export interface LookupTable {
  /** Input that gets the first entry; smaller ones get it, too, and larger than the last get the last. */
  first: number;
  entries: Uint16Array;
  /** Bits of an entry. */
  bits: number;
}

const MAX_ENTRIES = 65_536;

function damaged(): DicomError {
  return new DicomError('HEADER', 'The DICOM header has a lookup table that is damaged.');
}

/**
 * Reads the table whose descriptor and data are in two elements.
 * @param signed whether inputs may be negative where the header does not say so itself (implicit VR)
 * @returns nothing where there is no such table
 */
export function readLookupTable(
  dataSet: DataSet,
  descriptor: string,
  data: string,
  signed: boolean,
): LookupTable | undefined {
  const [about, content] = [dataSet.elements[descriptor], dataSet.elements[data]];
  if (!about || !content) return undefined;
  const isSigned = about.vr === 'SS' || (about.vr !== 'US' && signed);
  // 65,536 does not fit into 16 bits, and is written as 0.
  const told = dataSet.uint16(descriptor, 0);
  const count = told === undefined || told === 0 ? MAX_ENTRIES : told;
  const first = isSigned ? dataSet.int16(descriptor, 1) : dataSet.uint16(descriptor, 1);
  const bits = dataSet.uint16(descriptor, 2);
  if (about.length < 6 || first === undefined || bits === undefined || bits < 1 || bits > 16) throw damaged();
  const bytewise = bits <= 8 && content.length < count * 2;
  if (content.length < count * (bytewise ? 1 : 2)) throw damaged();
  const entries = Uint16Array.from({ length: count }, (_, at) =>
    bytewise ? (dataSet.byteArray[content.dataOffset + at] as number) : (dataSet.uint16(data, at) as number),
  );
  return { first, entries, bits };
}

export function lookUp({ first, entries }: LookupTable, value: number): number {
  const at = Math.min(Math.max(Math.round(value) - first, 0), entries.length - 1);
  return entries[at] as number;
}

/** Highest entry that the bits of a table allow. */
export const fullScale = ({ bits }: LookupTable): number => 2 ** bits - 1;
