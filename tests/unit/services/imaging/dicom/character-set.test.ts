// One patient id in the character sets that archives write it in.

import { DicomImage } from '../../../../../services/imaging/dicom';
import { greyDicom } from '../../../../support/dicom';

const idOf = (id: Buffer, set?: string): string | undefined =>
  DicomImage.parse(
    greyDicom({
      width: 1,
      height: 1,
      values: [0],
      more: { '00100020': ['LO', id], ...(set === undefined ? {} : { '00080005': ['CS', set] as const }) },
    }),
  ).header.patientId;
const bytes = (...parts: (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.of(part))));

test.each([
  ['ISO_IR 100', bytes('M', 0xdc, 'LLER')],
  ['ISO_IR 192', Buffer.from('MÜLLER')],
  ['ISO_IR 192', Buffer.from('MÜLLER'.normalize('NFD'))],
  ['ISO_IR 101', bytes('M', 0xdc, 'LLER')],
  ['ISO_IR 148', bytes('M', 0xdc, 'LLER')],
  ['GB18030', bytes('M', 0x81, 0x30, 0x89, 0x35, 'LLER')],
  ['ISO 2022 IR 6\\ISO 2022 IR 100', bytes('M', 0x1b, '-A', 0xdc, 'LLER')],
  // Said to be UTF-8, and Latin 1: bytes that are no text stand for themselves.
  ['ISO_IR 192', bytes('M', 0xdc, 'LLER')],
  ['no such set', bytes('M', 0xdc, 'LLER')],
  // UTF-8 where the header says something else, as many programs write it.
  ['ISO_IR 100', Buffer.from('MÜLLER')],
  ['ISO_IR 6', Buffer.from('MÜLLER')],
  ['', Buffer.from('MÜLLER')],
  ['no such set', Buffer.from('MÜLLER')],
])('in %s', (set, id) => {
  expect(idOf(id, set)).toBe('MÜLLER');
});

test.each([
  ['山田', 'ISO_IR 192', Buffer.from('山田')],
  ['山田', '\\ISO 2022 IR 87', bytes(0x1b, '$B;3ED', 0x1b, '(B')],
  ['山田', 'ISO 2022 IR 87', bytes(0x1b, '$B;3ED', 0x1b, '(B')],
  ['A山', 'ISO 2022 IR 87', bytes('A', 0x1b, '$B;3', 0x1b, '(B')],
  ['ﾔﾏﾀﾞ', 'ISO_IR 13', bytes(0xd4, 0xcf, 0xc0, 0xde)],
  ['김', '\\ISO 2022 IR 149', bytes(0x1b, '$)C', 0xb1, 0xe8)],
  ['Люк', 'ISO_IR 144', bytes(0xbb, 0xee, 0xda)],
  ['Διον', 'ISO_IR 126', bytes(0xc4, 0xe9, 0xef, 0xed)],
])('%s in %s', (text, set, id) => {
  expect(idOf(id, set)).toBe(text);
});

test('without blanks around it, and absent where nothing else is there', () => {
  expect(idOf(bytes(' P1  '))).toBe('P1');
  expect(idOf(bytes('P1\0'))).toBe('P1');
  expect(idOf(bytes('  '))).toBeUndefined();
});
