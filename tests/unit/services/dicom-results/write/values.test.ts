import { encodeElements } from '../../../../../services/dicom-results/write/elements';
import { decimal } from '../../../../../services/dicom-results/write/decimal';
import { uidOf } from '../../../../../services/dicom-results/write/uids';

test('decimal strings keep to 16 characters and read back nearest', () => {
  expect(decimal(-1.2345678901234e-7)).toBe('-1.2345678901e-7');
  expect(decimal(1 / 3)).toBe('0.33333333333333');
  expect(decimal(-0.123456789012349)).toBe('-0.1234567890123');
  expect(decimal(1e-14)).toBe('0');
  expect(decimal(-0)).toBe('0');
  expect(decimal(1.23456789012345e20)).toBe('1.2345678901e+20');
  expect(decimal(0.7)).toBe('0.7');
  for (let at = 0; at < 2000; at += 1) {
    const value = Math.sin(at * 12.9898) * 10 ** ((at % 12) - 4);
    const text = decimal(value);
    expect(text.length).toBeLessThanOrEqual(16);
    expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-9);
  }
  expect(() => decimal(NaN)).toThrow(RangeError);
});

test('UIDs follow from their parts, which lengths tell apart', () => {
  expect(uidOf('a', 'b')).toBe(uidOf('a', 'b'));
  expect(uidOf('ab', 'c')).not.toBe(uidOf('a', 'bc'));
  expect(uidOf('a')).toMatch(/^2\.25\.[1-9]\d{0,38}$/);
});

test('values have an even length, and sequences hold items', () => {
  const bytes = encodeElements({ '00080018': ['UI', '1.2'], '00080016': ['UI', '1.2'], '00081115': ['SQ', [{}]] });
  expect(bytes.toString('latin1')).toBe(
    '\x08\0\x16\0UI\x04\x001.2\0\x08\0\x18\0UI\x04\x001.2\0\x08\0\x15\x11SQ\0\0\x08\0\0\0\xfe\xff\0\xe0\0\0\0\0',
  );
});
