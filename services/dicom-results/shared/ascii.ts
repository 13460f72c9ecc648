/** Text of ours for an element whose character set is the source's: every set has ASCII. Other characters become question marks. */
export function ascii(text: string, maxLength: number): string {
  const plain = text.normalize('NFKD').replace(/\p{Mn}/gu, '');
  return plain
    .replace(/[^\x20-\x7e]/gu, '?')
    .replaceAll('\\', '/')
    .trim()
    .slice(0, maxLength)
    .trim();
}

/** Longest value of LO. */
export const LONG_STRING = 64;
