// python3's pip as a downloader: LibTorch and its libraries come as wheels, and nothing of Python's half is used.

import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './tools.mjs';

/** Python versions that torch has wheels for. The libraries inside are the same, so any of them serves. */
const WHEELS_FOR = ['3.10', '3.11', '3.12', '3.13', '3.14'];

const NOTHING_FITS = /No matching distribution|from versions: none|not a supported wheel/i;
/** What we call the absence of a wheel, as distinct from an index that cannot be reached. */
export class NoWheel extends SetupError {}

function python(args) {
  try {
    return execFileSync('python3', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** python3's version, e.g. `3.12`. Throws, in one message each, where there is no wheel, no python3 or no pip. */
export function requirePip(remedies) {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    throw new SetupError(
      `No LibTorch is fetched for ${process.platform} on ${process.arch}: there are wheels for Linux on x86-64 and aarch64.\n${remedies}`,
    );
  const version = python(['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  if (version === undefined)
    throw new SetupError(`LibTorch is fetched with python3's pip, and there is no python3.\n${remedies}`);
  if (python(['-m', 'pip', '--version']) === undefined)
    throw new SetupError(`LibTorch is fetched with python3's pip, and there is none.\n${remedies}`);
  return version;
}

function install(args) {
  return new Promise((resolve, reject) => {
    const all = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', ...args];
    execFile('python3', all, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) return resolve();
      const lines = stderr.trim().split('\n');
      const line = lines.findLast((text) => text.startsWith('ERROR')) ?? lines.at(-1) ?? error.message;
      return reject(new (NOTHING_FITS.test(stderr) ? NoWheel : SetupError)(line.replace(/^ERROR: */, '')));
    });
  });
}

/**
 * Installs requirements into a folder: with the wheel for this python3, else with that for another.
 * @param whole with all that they require
 */
export async function fetchWheels(folder, requirements, own, { whole = false } = {}) {
  const args = [...(whole ? [] : ['--no-deps']), '--upgrade', '--target', folder];
  let refused;
  for (const version of [undefined, ...WHEELS_FOR.filter((each) => each !== own)]) {
    try {
      return await install([...args, ...(version === undefined ? [] : ['--python-version', version]), ...requirements]);
    } catch (error) {
      if (!(error instanceof NoWheel)) throw error;
      refused ??= error;
    }
  }
  throw refused;
}

/** What lies in a folder, by package: name, version and bytes (unpacked), from pip's records. */
export function installedIn(folder) {
  return readdirSync(folder)
    .filter((entry) => entry.endsWith('.dist-info'))
    .map((entry) => {
      const [name, version] = entry.slice(0, -'.dist-info'.length).split('-');
      const record = readFileSync(join(folder, entry, 'RECORD'), 'utf8');
      const bytes = record.split('\n').reduce((sum, line) => sum + Number(line.split(',').at(-1) || 0), 0);
      return { name: name.replaceAll('_', '-'), version, bytes };
    })
    .sort((a, b) => b.bytes - a.bytes);
}
