import { encodeElements, type Elements } from './elements';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION } from './uids';

const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const PREAMBLE_BYTES = 128;

/** A file (PS3.10 7.1) of elements that hold their SOP class and instance. */
export function part10(sopClassUid: string, sopInstanceUid: string, elements: Elements): Buffer {
  const meta = encodeElements({
    '00020001': ['OB', Buffer.from([0, 1])],
    '00020002': ['UI', sopClassUid],
    '00020003': ['UI', sopInstanceUid],
    '00020010': ['UI', EXPLICIT_LITTLE_ENDIAN],
    '00020012': ['UI', IMPLEMENTATION_CLASS_UID],
    '00020013': ['SH', IMPLEMENTATION_VERSION],
  });
  return Buffer.concat([
    Buffer.alloc(PREAMBLE_BYTES),
    Buffer.from('DICM'),
    encodeElements({ '00020000': ['UL', [meta.length]] }),
    meta,
    encodeElements(elements),
  ]);
}
