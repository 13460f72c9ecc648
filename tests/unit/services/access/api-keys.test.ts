import { createKey, findKey, formatKeys, parseKeys } from '../../../../services/access/api-keys';

const NOW = new Date('2026-03-01T00:00:00Z');

test('a key is found by itself alone, and its entry holds nothing to call with', () => {
  const { key, entry } = createKey('pacs-bridge', ['predict'], { now: NOW });
  const other = createKey('viewer', ['predict'], { now: NOW });
  const keys = parseKeys(formatKeys([other.entry, entry]));
  expect(findKey(keys, key, NOW)).toEqual(entry);
  expect(key).toMatch(/^amk_[a-z0-9]{8}_[\w-]{43}$/);
  const secret = key.split('_').slice(2).join('_');
  expect(formatKeys([entry])).not.toContain(secret);
  expect(findKey(keys, key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A'), NOW)).toBeUndefined();
  expect(findKey(keys, `amk_${other.entry.id}_${secret}`, NOW)).toBeUndefined();
  expect(findKey(keys, 'amk_', NOW)).toBeUndefined();
});

test('a key ends at its time, or when it is revoked', () => {
  const { key, entry } = createKey('trial', ['predict'], { now: NOW, expires: new Date('2026-03-02T00:00:00Z') });
  expect(findKey([entry], key, new Date('2026-03-01T23:59:59Z'))).toEqual(entry);
  expect(findKey([entry], key, new Date('2026-03-02T00:00:00Z'))).toBeUndefined();
  expect(findKey([{ ...entry, revoked: NOW.toISOString() }], key, NOW)).toBeUndefined();
});

test.each([
  ['an unknown field', '{"keys":[],"extra":1}'],
  [
    'a digest that is none',
    '{"keys":[{"id":"abcdefgh","name":"n","sha256":"00","roles":["r"],"created":"2026-01-01T00:00:00Z"}]}',
  ],
  ['no JSON', '{'],
])('a file with %s is refused', (_what, text) => {
  expect(() => parseKeys(text)).toThrow();
});
