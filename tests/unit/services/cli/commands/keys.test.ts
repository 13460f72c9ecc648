import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findKey, parseKeys } from '../../../../../services/access/api-keys';
import { runCommand } from '../../../../support/cli';

const folder = mkdtempSync(join(tmpdir(), 'automed-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a key is shown once, listed without its secret, and revoked', async () => {
  const file = join(folder, 'sub', 'keys.json');
  const keys = () => parseKeys(readFileSync(file, 'utf8'));
  const made = await runCommand('keys', 'create', 'pacs-bridge', '--role', 'predict', '--days', '30', '--file', file);
  const key = made.out.trim();
  expect(made.code).toBe(0);
  expect(findKey(keys(), key)).toMatchObject({ name: 'pacs-bridge', roles: ['predict'] });

  const { id } = JSON.parse((await runCommand('keys', 'create', 'viewer', '--json', '--file', file)).out) as {
    id: string;
  };
  const listed = await runCommand('keys', 'list', '--file', file);
  expect(listed.out).toMatch(/pacs-bridge +predict +\S+ +valid until/);
  expect(listed.out).toMatch(new RegExp(`${id} +viewer +predict +\\S+ +valid`));
  expect(listed.out).not.toContain(key.slice('amk_12345678_'.length));

  const other = keys().find((entry) => entry.name === 'pacs-bridge')?.id ?? '';
  expect((await runCommand('keys', 'revoke', other, '--file', file)).out).toContain('(pacs-bridge) is revoked');
  expect(findKey(keys(), key)).toBeUndefined();
  expect((await runCommand('keys', 'list', '--file', file)).out).toMatch(/pacs-bridge .* revoked/);
});

test('an unknown key and a file that is none are errors that change nothing', async () => {
  const file = join(folder, 'text.json');
  writeFileSync(file, '{"keys": 1}');
  const failed = await runCommand('keys', 'create', 'x', '--file', file);
  expect([failed.code, failed.err]).toEqual([1, expect.stringContaining('is no file of keys')]);
  expect(readFileSync(file, 'utf8')).toBe('{"keys": 1}');
  const missing = await runCommand('keys', 'revoke', 'abcdefgh', '--file', join(folder, 'none.json'));
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('has no key abcdefgh')]);
});
