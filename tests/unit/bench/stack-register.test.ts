import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';

const REGISTER = join(__dirname, '..', '..', 'support', 'stack-register.cjs');
const folder = temporaryFolder();

it('a TypeScript program that runs without a build loads ES modules, as a built one does', () => {
  writeFileSync(join(folder, 'module.mjs'), 'export const told = await Promise.resolve("loaded");\n');
  const program = join(folder, 'program.ts');
  writeFileSync(program, "void import('./module.mjs').then(({ told }: { told: string }) => console.log(told));\n");
  expect(execFileSync(process.execPath, ['-r', REGISTER, program], { encoding: 'utf8' })).toBe('loaded\n');
});
