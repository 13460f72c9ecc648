// Rules of eslint.config.mjs that are our own, on lines that they are for.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

jest.setTimeout(60_000);

const ROOT = join(__dirname, '..', '..');

/** What the linter says of lines of a service, by rule; it runs in a process of its own, as its configuration is a module. */
function linted(lines: readonly string[]): (string | null)[] {
  const script = `
    import { ESLint } from 'eslint';
    const code = ${JSON.stringify(`${lines.join('\n')}\n`)};
    const [{ messages }] = await new ESLint().lintText(code, { filePath: 'services/common/cores.ts' });
    console.log(JSON.stringify(messages.map(({ ruleId, line }) => [ruleId, line])));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    encoding: 'utf8',
    // Where CI is set, typescript-eslint takes a run to be its only one and reads the file's own text, not the one given.
    env: { ...process.env, TSESTREE_SINGLE_RUN: 'false' },
  });
  const found = JSON.parse(out) as [string, number][];
  return lines.map((_, index) => found.find(([, line]) => line === index + 1)?.[0] ?? null);
}

test('a delay that is computed goes through what can wait for as long', () => {
  const lines = {
    'declare const work: () => void;': null,
    'declare const given: number;': null,
    'declare function sleep(ms: number, value?: unknown): void;': null,
    'const PAUSE_MS = 100;': null,
    'setTimeout(work);': null,
    'setTimeout(work, 100);': null,
    'setTimeout(work, PAUSE_MS);': null,
    'setTimeout(work, given);': 'no-restricted-syntax',
    'setInterval(work, given * 2);': 'no-restricted-syntax',
    'globalThis.setTimeout(work, Math.min(given, 5));': 'no-restricted-syntax',
    'sleep(PAUSE_MS);': null,
    'sleep(given, undefined);': 'no-restricted-syntax',
    'AbortSignal.timeout(given);': 'no-restricted-syntax',
    'AbortSignal.timeout(PAUSE_MS);': null,
  };
  expect(linted(Object.keys(lines))).toEqual(Object.values(lines));
});
