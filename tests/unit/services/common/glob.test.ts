import { matchesGlob } from '../../../../services/common/glob';

const WORDS = ['', 'a', 'b', 'ab', 'ba', 'aa', 'aab', 'abab', 'a.b', 'ababa'];
const PATTERNS = [
  '*',
  'a',
  'a*',
  '*a',
  '*a*',
  'a*b',
  'a*a',
  '*ab*',
  'ab*ab',
  'a*b*a',
  '**',
  'a**b',
  'a.b',
  '',
  'ab*ba',
];

test.each(PATTERNS)('%j fits what a regular expression says', (pattern) => {
  const expression = new RegExp(`^${pattern.replace(/\./g, '\\.').replace(/\*+/g, '.*')}$`, 's');
  for (const word of WORDS) expect([word, matchesGlob(pattern, word)]).toEqual([word, expression.test(word)]);
});

test('a star stands for any character, line breaks too', () => expect(matchesGlob('a*', 'a\n\u{1f642}')).toBe(true));

test('many stars on a name that almost fits take no longer than few', () => {
  // A backtracking expression takes exponential time here.
  expect(matchesGlob(`${'*a'.repeat(2_000)}*b`, 'a'.repeat(5_000))).toBe(false);
  expect(matchesGlob(`${'*a'.repeat(2_000)}*`, 'a'.repeat(5_000))).toBe(true);
});
