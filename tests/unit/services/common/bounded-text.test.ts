import { cutText, excerpt, shortList } from '../../../../services/common/bounded-text';

test('a bound leaves what fits as it is', () => {
  expect(cutText('', 0)).toBe('');
  expect(cutText('abc', 3)).toBe('abc');
  expect(cutText('\u75c5\u75c5', 6)).toBe('\u75c5\u75c5');
});

test.each(['a', '\u00e9', '\u75c5', '\u{1f642}', 'x\u{1f642}\u75c5\u00e9'])(
  'cuts %j between its characters',
  (unit) => {
    const text = unit.repeat(5_000);
    for (let bytes = 1; bytes < 90; bytes += 1) {
      const cut = cutText(text, bytes);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes);
      expect(cut).not.toContain('\ufffd');
      expect(text.startsWith(cut.replace(/\.\.\. \(\d+ bytes\)$/, ''))).toBe(true);
    }
    expect(cutText(text, 90)).toMatch(new RegExp(`\\.\\.\\. \\(${Buffer.byteLength(text)} bytes\\)$`));
  },
);

test('half a surrogate pair does no harm', () => {
  expect(Buffer.byteLength(cutText('\ud800'.repeat(500), 100))).toBeLessThanOrEqual(100);
});

test('quotes the beginning of a text, and lists the first names with the count of the rest', () => {
  expect(Buffer.byteLength(excerpt('n'.repeat(1_000_000)))).toBe(64);
  expect(shortList([1, 2, 3])).toBe('1, 2, 3');
  expect(shortList(Array.from({ length: 1_000 }, (_, index) => index))).toMatch(/^0, 1, .*, 19 and 980 more$/);
});
