// The threat model of docs/security.md names tests that there are.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const rows = [
  ...readFileSync(join(ROOT, 'docs/security.md'), 'utf8').matchAll(
    /^\| (.+?) +\| .+? +\| `(tests\/\S+)`: (.+?) +\|$/gm,
  ),
].map(([, control = '', file = '', name = '']) => [control, file, name] as const);

test('every control of the table has a test', () => {
  const table = readFileSync(join(ROOT, 'docs/security.md'), 'utf8').split('| control ')[1]?.split('\n\n')[0] ?? '';
  expect(rows.length).toBeGreaterThan(20);
  expect(rows).toHaveLength(table.split('\n').length - 2);
});

test.each(rows)('%s: %s has the test "%s"', (_control, file, name) => {
  expect(existsSync(join(ROOT, file))).toBe(true);
  expect(readFileSync(join(ROOT, file), 'utf8')).toContain(`test('${name}'`);
});
