// Packages that one proof needs: installed apart from those of the project, below `.automed`, as their lock file says.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** Where packages of this name are installed. */
export const apart = (name: string): string => join(ROOT, '.automed', name);

/**
 * Copies the folder `name` beside this file, and installs what its lock file lists.
 * @returns why that did not work
 */
export function installApart(name: string): string | undefined {
  const [source, folder] = [join(__dirname, name), apart(name)];
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(source)) cpSync(join(source, file), join(folder, file));
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const stamp = join(folder, 'installed-lock.json');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return undefined;
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts'];
  const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) return `npm ci of ${name} failed: ${stderr.slice(-300)}`;
  writeFileSync(stamp, lock);
  return undefined;
}
