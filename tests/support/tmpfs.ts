// Small file systems of their own, which need root: what a full or read-only disk does cannot be had otherwise.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(command: string, ...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

/** Mounts a tmpfs on a folder; options as of mount(8), e.g. `size=8m` or `ro`. Throws when that fails. */
export function mount(folder: string, options: string): void {
  mkdirSync(folder, { recursive: true });
  const problem = run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder);
  if (problem !== undefined) throw new Error(problem);
}

export function remount(folder: string, options: string): void {
  const problem = run('mount', '-o', `remount,${options}`, folder);
  if (problem !== undefined) throw new Error(problem);
}

export function unmount(folder: string): void {
  run('umount', '-l', folder);
}

/** Why this process cannot mount; undefined when it can. */
export function whyNoMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'automed-mount-'));
  try {
    mount(folder, 'size=64k');
    unmount(folder);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
