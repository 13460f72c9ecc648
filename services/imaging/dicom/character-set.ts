// Text of a header by its Specific Character Set (PS3.5 6.1.2, PS3.3 C.12.1.1.2), so that one name in two encodings is one.

import type { DataSet } from 'dicom-parser';

/** Single-byte sets and those of several bytes without escapes, by ISO registration number, as TextDecoder names them. */
const SETS: Readonly<Record<string, string>> = {
  '6': 'latin1',
  '100': 'latin1',
  '101': 'iso-8859-2',
  '109': 'iso-8859-3',
  '110': 'iso-8859-4',
  '144': 'iso-8859-5',
  '127': 'iso-8859-6',
  '126': 'iso-8859-7',
  '138': 'iso-8859-8',
  '148': 'windows-1254',
  '203': 'iso-8859-15',
  '13': 'shift_jis',
  '166': 'windows-874',
  '192': 'utf-8',
  '58': 'gb18030',
  '149': 'euc-kr',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** Escape sequences of ISO 2022 (PS3.3 tables C.12-3 and C.12-4), and which half of the code table they fill with what. */
const ESCAPES: readonly [sequence: string, half: 'low' | 'high', set: string][] = [
  ['(B', 'low', '6'],
  ['(J', 'low', '6'],
  [')I', 'high', '13'],
  ['-A', 'high', '100'],
  ['-B', 'high', '101'],
  ['-C', 'high', '109'],
  ['-D', 'high', '110'],
  ['-L', 'high', '144'],
  ['-G', 'high', '127'],
  ['-F', 'high', '126'],
  ['-H', 'high', '138'],
  ['-M', 'high', '148'],
  ['-b', 'high', '203'],
  ['-T', 'high', '166'],
  ['$B', 'low', '87'],
  ['$(D', 'low', '159'],
  ['$)C', 'high', '149'],
  ['$)A', 'high', '58'],
];
const ESCAPE = '\u001b';

/** Number or name of a set; absent for one that is not known. */
function keyOf(term: string): string | undefined {
  const name = term.trim().toUpperCase();
  const key = /^ISO[ _]?(?:2022[ _])?IR[ _]?(\d+)$/.exec(name)?.[1] ?? name;
  return key === '' ? '6' : key === '87' || key === '159' || Object.hasOwn(SETS, key) ? key : undefined;
}

/** Programs write UTF-8 without naming it; what reads as that by chance is no name in Latin 1. */
function latin1OrUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

function decode(bytes: Buffer, set: string): string {
  // Of the TextDecoder latin1 is windows-1252.
  if (SETS[set] === 'latin1') return latin1OrUtf8(bytes);
  if (set !== '87' && set !== '159') return new TextDecoder(SETS[set], { fatal: true }).decode(bytes);
  // JIS X 0208 and 0212 as EUC-JP has them, which tells them apart by a byte before each character of the second.
  const high = [...bytes].map((byte) => (byte > 0x20 ? byte | 0x80 : byte));
  const euc = set === '87' ? high : high.flatMap((byte, at) => (at % 2 === 0 ? [0x8f, byte] : [byte]));
  return new TextDecoder('euc-jp', { fatal: true }).decode(Buffer.from(euc));
}

/** Text with escape sequences: each fills half of the code table for what follows it. */
function decodeFragments(bytes: Buffer, named: string): string {
  const [head = '', ...fragments] = bytes.toString('latin1').split(ESCAPE);
  // Sets of two bytes in the lower half begin with their escape, also where a header names one as its first value.
  const first = named === '87' || named === '159' ? '6' : named;
  const half = { low: '6', high: first };
  let result = decode(Buffer.from(head, 'latin1'), first);
  for (const fragment of fragments) {
    const escape = ESCAPES.find(([sequence]) => fragment.startsWith(sequence));
    if (!escape) throw new Error('unknown escape sequence');
    half[escape[1]] = escape[2];
    const rest = Buffer.from(fragment.slice(escape[0].length), 'latin1');
    result += decode(rest, half.low === '6' ? half.high : half.low);
  }
  return result;
}

/**
 * Text of a header, decoded, composed (NFC), and without the blanks that DICOM pads with. Bytes that are no text in the set
 * that the header names, or in a set that is not known, stand for themselves.
 * @param header that names the set: of an item that of the whole object
 * @returns nothing where the element is absent or empty
 */
export function decodedText(dataSet: DataSet, tag: string, header: DataSet = dataSet): string | undefined {
  const element = dataSet.elements[tag];
  if (!element?.length) return undefined;
  const bytes = Buffer.from(dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length));
  // Only the first value counts until an escape sequence names another one.
  const named = header.string('x00080005')?.split('\\')[0] ?? '';
  const set = keyOf(named);
  let text = latin1OrUtf8(bytes);
  try {
    if (set !== undefined) text = bytes.includes(ESCAPE) ? decodeFragments(bytes, set) : decode(bytes, set);
  } catch {
    // As it is.
  }
  const trimmed = text.normalize('NFC').replace(/^[\s\0]+|[\s\0]+$/g, '');
  return trimmed === '' ? undefined : trimmed;
}
