// The package as npm packs it, installed into an empty project.

import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(__dirname, '..', '..', '..');

export interface Packed {
  tarball: string;
  /** Bytes of the tarball. */
  size: number;
  /** Paths inside. */
  files: string[];
}

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever that is. */
export async function ran(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  try {
    return { code: 0, ...(await promisify(execFile)(command, args, options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ran;
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}

/** `npm pack` into a folder. */
export async function pack(folder: string): Promise<Packed> {
  const { code, stdout, stderr } = await ran('npm', ['pack', '--json', '--pack-destination', folder], ROOT);
  if (code !== 0) throw new Error(stderr);
  const [{ filename, size, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; size: number; files: { path: string }[] },
  ];
  return { tarball: join(folder, filename), size, files: files.map(({ path }) => path) };
}

/** An empty project with the package in it, whose install scripts did not run: they are the tests' own. */
export async function install(folder: string, tarball: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, stderr } = await ran('npm', ['install', tarball, '--ignore-scripts', ...quiet], folder);
  if (code !== 0) throw new Error(stderr);
}

/** A PATH on which nothing but Node is found. */
export function onlyNode(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(process.execPath, join(bin, 'node'));
  return [bin, dirname('/nowhere/else')].join(':');
}
