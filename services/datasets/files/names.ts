// When two names are the same text: file systems, archives and label tools write one name in several ways.

/** Normal form C (Unicode Standard Annex 15): macOS archives write umlauts as two code points, most label tools as one. */
export const normal = (name: string): string => name.normalize('NFC');

/** Equal for names that differ in normal form, case or blanks only. */
export const folded = (name: string): string => normal(name).trim().replace(/\s+/g, ' ').toLowerCase();

/** Characters without width, which only a program tells apart. */
const UNSEEN = /[\u00ad\u200b-\u200f\u2060\ufeff]/g;

/**
 * As `folded`, and alike for what a reader takes for one: compatible characters (normal form KC), ss for sharp s, blanks, `_`
 * and `-` within a name (between letters also none), and zeros that change no number: 1, 01 and 1.0, P1 and P001. 1.1 and 1.10
 * stay apart, and so do signs at the end (HER2+ and HER2-).
 */
export function foldedValue(name: string): string {
  const text = folded(name.normalize('NFKC').replace(UNSEEN, '').toUpperCase());
  return text
    .replace(/(?<=[\p{L}\p{N}])[\s_-]+(?=[\p{L}\p{N}])/gu, ' ')
    .replace(/(?<=\p{L}) (?=\p{L})/gu, '')
    .replace(/^(\d+)\.0*$/, '$1')
    .replace(/(?<![\d.])0+(?=\d)/g, '');
}

/** Names that are different but mean the same to a reader, sorted; each entry has at least two. */
export function spelledTwice(names: Iterable<string>, fold: (name: string) => string = foldedValue): string[][] {
  const spellings = new Map<string, Set<string>>();
  for (const name of names) {
    const key = fold(name);
    spellings.set(key, (spellings.get(key) ?? new Set()).add(name));
  }
  return [...spellings.values()].filter(({ size }) => size > 1).map((same) => [...same].sort());
}

/** Names in quotes, so that a blank at their end is seen; where even that shows no difference, their code points differ. */
export function quoted(names: readonly string[]): string {
  const ascii = (name: string): string =>
    [...name]
      .map((char) => (char < '\u007f' ? char : `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`))
      .join('');
  const alike = new Set(names.map((name) => normal(name).replace(UNSEEN, ''))).size < names.length;
  return names.map((name) => `"${alike ? ascii(name) : name}"`).join(' and ');
}
