// The beginning of a DICOM file (PS3.10, 7.1): what is written before a data set that came over the network.

import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION } from '../dicom-results';

export interface FileMeta {
  sopClass: string;
  sopInstance: string;
  transferSyntax: string;
  /** Of the sender; empty is left out. */
  sourceAe: string;
}

const PREAMBLE_BYTES = 128;
const LONG = new Set(['OB']);

function element(number: number, vr: string, value: Buffer): Buffer {
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(0x0002, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (LONG.has(vr)) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

/** Text of even length: UIDs are filled with a zero, other texts with a space. */
function text(number: number, vr: 'UI' | 'SH' | 'AE', value: string): Buffer {
  const odd = value.length % 2 === 1;
  return element(number, vr, Buffer.from(odd ? value + (vr === 'UI' ? '\0' : ' ') : value, 'latin1'));
}

/** Preamble, prefix and file meta information; the data set follows as it came. */
export function fileBeginning({ sopClass, sopInstance, transferSyntax, sourceAe }: FileMeta): Buffer {
  const elements = Buffer.concat([
    element(0x0001, 'OB', Buffer.from([0, 1])),
    text(0x0002, 'UI', sopClass),
    text(0x0003, 'UI', sopInstance),
    text(0x0010, 'UI', transferSyntax),
    text(0x0012, 'UI', IMPLEMENTATION_CLASS_UID),
    text(0x0013, 'SH', IMPLEMENTATION_VERSION),
    ...(sourceAe === '' ? [] : [text(0x0016, 'AE', sourceAe)]),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  return Buffer.concat([Buffer.alloc(PREAMBLE_BYTES), Buffer.from('DICM'), element(0, 'UL', length), elements]);
}

/** Value representations whose length takes four bytes after two reserved ones. */
const LONG_LENGTH = /^(OB|OW|OF|OD|OL|OV|SQ|UC|UN|UR|UT|SV|UV)$/;

/** Of preamble and prefix together. */
const PREFIX_END = PREAMBLE_BYTES + 4;

/** True for what begins as a Part 10 file. Needs PREFIX_END bytes. */
function hasPrefix(beginning: Buffer): boolean {
  return beginning.toString('latin1', PREAMBLE_BYTES, PREFIX_END) === 'DICM';
}

/** The elements of group 0002 with their values, and where the data set begins; the end is undefined where bytes are missing. */
function walkMeta(file: Buffer): { values: Map<number, Buffer>; end: number | undefined } {
  const values = new Map<number, Buffer>();
  let at = PREFIX_END;
  while (at + 8 <= file.length) {
    if (file.readUInt16LE(at) !== 0x0002) return { values, end: at };
    const isLong = LONG_LENGTH.test(file.toString('latin1', at + 4, at + 6));
    if (isLong && at + 12 > file.length) break;
    const from = at + (isLong ? 12 : 8);
    const length = isLong ? file.readUInt32LE(at + 8) : file.readUInt16LE(at + 6);
    values.set(file.readUInt16LE(at + 2), file.subarray(from, from + length));
    at = from + length;
  }
  return { values, end: undefined };
}

/** The data set of a Part 10 file: what follows the elements of group 0002, with or without a length of the group. */
export function dataSetOf(file: Buffer): Buffer {
  const { end } = walkMeta(file);
  return end === undefined ? file.subarray(file.length) : file.subarray(end);
}

/** What the file meta information says of the object; empty where it says nothing. */
export interface MetaUids {
  sopClass: string;
  sopInstance: string;
  /** Where the data set begins. */
  end: number;
}

/**
 * Reads the file meta information from the beginning of a file.
 * @returns `more` when bytes are missing, `none` for what is no Part 10 file
 */
export function readMeta(beginning: Buffer): MetaUids | 'more' | 'none' {
  if (beginning.length < PREFIX_END) return 'more';
  if (!hasPrefix(beginning)) return 'none';
  const { values, end } = walkMeta(beginning);
  if (end === undefined) return 'more';
  const uid = (number: number): string => {
    const text = values.get(number)?.toString('latin1').replace(/\0/g, '').trim() ?? '';
    return /^[\d.]{1,64}$/.test(text) ? text : '';
  };
  return { sopClass: uid(0x0002), sopInstance: uid(0x0003), end };
}
