// Fetches LibTorch once, into a git-ignored folder of the checkout: the pip wheel of torch holds its headers and libraries.
// Skipped when LIBTORCH or LIBTORCH_USE_PYTORCH name another one (native/cmake/LibTorch.cmake finds and checks it).

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasPip, run, SetupError } from './tools.mjs';

export const PINNED_VERSION = '2.13.0';

const REMEDIES = [
  'Remedies, any one of:',
  "  - install pip ('sudo apt-get install -y python3-pip', or 'sudo dnf install -y python3-pip') and run this again;",
  '  - set LIBTORCH to a folder that holds include/ and lib/ of LibTorch ' + PINNED_VERSION + ';',
  '  - install torch ' + PINNED_VERSION + ' for python3 and set LIBTORCH_USE_PYTORCH=1.',
].join('\n');

/** @returns the folder to build against, or null when the environment names another. */
export async function ensureLibTorch(root, log) {
  if (process.env.LIBTORCH || !['', '0', undefined].includes(process.env.LIBTORCH_USE_PYTORCH)) return null;
  const target = join(root, '.libtorch', PINNED_VERSION);
  const torch = join(target, 'torch');
  if (existsSync(join(torch, 'lib', 'libtorch_cpu.so'))) return torch;
  if (!hasPip())
    throw new SetupError(`LibTorch ${PINNED_VERSION} is fetched with python3's pip, and there is none.\n${REMEDIES}`);

  mkdirSync(join(root, '.libtorch'), { recursive: true });
  // What an interrupted download left behind must never pass for a complete one.
  for (const entry of readdirSync(join(root, '.libtorch')))
    if (entry.startsWith('partial-')) rmSync(join(root, '.libtorch', entry), { recursive: true, force: true });
  const partial = join(root, '.libtorch', `partial-${process.pid}`);
  rmSync(target, { recursive: true, force: true });
  try {
    await download(partial, log);
    const fetched = join(partial, 'torch');
    if (existsSync(join(fetched, 'lib', 'libtorch_cuda.so')))
      throw new SetupError(
        `pip fetched the CUDA build of torch ${PINNED_VERSION}, which does not load without its 4 GB of CUDA packages.\n` +
          'Point pip at PyTorch’s index of CPU wheels (PIP_INDEX_URL, or pip config set global.index-url) and run this again,\n' +
          'or install torch with its requirements for python3 and set LIBTORCH_USE_PYTORCH=1.',
      );
    // Only headers and libraries are wanted; Python's half of the package is half of its files.
    for (const entry of readdirSync(fetched))
      if (entry !== 'include' && entry !== 'lib') rmSync(join(fetched, entry), { recursive: true, force: true });
    for (const entry of readdirSync(partial))
      if (entry !== 'torch') rmSync(join(partial, entry), { recursive: true, force: true });
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return torch;
}

async function download(folder, log) {
  const pip = (requirement) =>
    run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, requirement], { quiet: true });
  log(`fetching LibTorch ${PINNED_VERSION} with pip (about 190 MB, once)`);
  try {
    // Some indexes mark the CPU build in its version; where they do, it is the one to have.
    await pip(`torch==${PINNED_VERSION}+cpu`).catch(() => pip(`torch==${PINNED_VERSION}`));
  } catch (error) {
    throw new SetupError(`pip could not fetch torch ${PINNED_VERSION}: ${error.message}\n${REMEDIES}`);
  }
}
