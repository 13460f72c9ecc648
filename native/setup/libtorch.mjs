// Fetches LibTorch once, into a git-ignored folder of the checkout: the pip wheel of torch holds its headers and libraries.
// Skipped when LIBTORCH or LIBTORCH_USE_PYTORCH name another one (native/cmake/LibTorch.cmake finds and checks it).
//
// The CPU wheel where the index has one. Else the default wheel, which on Linux is CUDA's, with just the CUDA packages that its
// CPU half needs. AUTOMED_CUDA=1 fetches CUDA's wheel with all its packages, into a folder of its own.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchCpuNeeds } from './cuda-packages.mjs';
import { fetchWheels, installedIn, NoWheel, requirePip } from './pip.mjs';
import { SetupError } from './tools.mjs';

/** Tested versions, the preferred one first; native/cmake/LibTorch.cmake has the same. */
export const VERSIONS = ['2.13.0', '2.14.1'];

const REMEDIES = [
  'Remedies, any one of:',
  "  - install pip ('sudo apt-get install -y python3-pip', or 'sudo dnf install -y python3-pip') and run this again;",
  '  - set LIBTORCH to a folder that holds include/ and lib/ of LibTorch ' + VERSIONS.join(' or ') + ';',
  '  - install torch ' + VERSIONS.join(' or ') + ' for python3 and set LIBTORCH_USE_PYTORCH=1.',
].join('\n');

const isSet = (value) => !['', '0', undefined].includes(value);

/** @returns the folder to build against, or null when the environment names another. */
export async function ensureLibTorch(root, log) {
  if (process.env.LIBTORCH || isSet(process.env.LIBTORCH_USE_PYTORCH)) return null;
  const cuda = isSet(process.env.AUTOMED_CUDA);
  const folder = join(root, '.libtorch');
  const targetOf = (version) => join(folder, cuda ? `${version}-cuda` : version);
  const there = VERSIONS.map((version) => join(targetOf(version), 'torch')).find((torch) =>
    existsSync(join(torch, 'lib', 'libtorch_cpu.so')),
  );
  if (there !== undefined) return there;
  const python = requirePip(REMEDIES);

  mkdirSync(folder, { recursive: true });
  // What an interrupted download left behind must never pass for a complete one.
  for (const entry of readdirSync(folder))
    if (entry.startsWith('partial-')) rmSync(join(folder, entry), { recursive: true, force: true });
  const partial = join(folder, `partial-${process.pid}`);
  try {
    const version = await (cuda ? fetchCuda : fetchCpu)(partial, python, log);
    tell(partial, log);
    keepOnly(join(partial, 'torch'), ['include', 'lib']);
    keepOnly(partial, ['torch', 'nvidia']);
    rmSync(targetOf(version), { recursive: true, force: true });
    renameSync(partial, targetOf(version));
    return join(targetOf(version), 'torch');
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** A wheel was there, but not of CUDA's build. */
class CpuOnly extends NoWheel {}

const isCuda = (tree) => existsSync(join(tree, 'torch', 'lib', 'libtorch_cuda.so'));

/** Tries versions in turn, as long as the index has no wheel of them. */
async function firstOf(candidates, python, attempt) {
  let refused;
  for (const candidate of candidates) {
    try {
      return await attempt(candidate);
    } catch (error) {
      if (!(error instanceof NoWheel))
        throw new SetupError(`pip could not fetch torch: ${error.message}\n${REMEDIES}`, { cause: error });
      if (!(refused instanceof CpuOnly)) refused = error;
    }
  }
  if (refused instanceof CpuOnly) throw new SetupError(`${refused.message}\n${REMEDIES}`);
  throw new SetupError(
    `pip finds no wheel of torch ${VERSIONS.join(' or ')} for this machine (Python ${python} and others, ${process.arch}): ` +
      `${refused.message}\nA pip before 20.3 knows none of them: 'python3 -m pip install --upgrade pip'.\n${REMEDIES}`,
  );
}

async function fetchCpu(tree, python, log) {
  const [preferred] = VERSIONS;
  log(
    `fetching LibTorch ${preferred} with pip (about 190 MB, once; several times that where the index has no CPU wheel)`,
  );
  // Some indexes mark the CPU build in its version; where they do, it is the one to have.
  const candidates = [...VERSIONS.map((version) => `${version}+cpu`), ...VERSIONS];
  const found = await firstOf(candidates, python, async (version) => {
    await fetchWheels(tree, [`torch==${version}`], python);
    return version;
  });
  if (isCuda(tree)) {
    log(`the index has torch ${found} for CUDA only: fetching the CUDA libraries that its CPU half needs`);
    await fetchCpuNeeds(tree, (requirements) => fetchWheels(tree, requirements, python));
  }
  return found.replace('+cpu', '');
}

async function fetchCuda(tree, python, log) {
  log('fetching LibTorch for CUDA with pip and all its packages (several GB, once)');
  return firstOf(VERSIONS, python, async (version) => {
    rmSync(tree, { recursive: true, force: true });
    // First alone: whether it is CUDA's decides about the gigabytes.
    await fetchWheels(tree, [`torch==${version}`], python);
    if (!isCuda(tree))
      throw new CpuOnly(`AUTOMED_CUDA is set, and the index has the CPU build of torch ${version} only.`);
    await fetchWheels(tree, [`torch==${version}`], python, { whole: true });
    return version;
  });
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

function tell(tree, log) {
  const packages = installedIn(tree);
  const total = packages.reduce((sum, { bytes }) => sum + bytes, 0);
  const list = packages.map(({ name, version, bytes }) => `${name} ${version} (${megabytes(bytes)})`);
  log(`fetched ${list.join(', ')}; ${megabytes(total)} unpacked`);
}

function keepOnly(folder, names) {
  for (const entry of readdirSync(folder))
    if (!names.includes(entry)) rmSync(join(folder, entry), { recursive: true, force: true });
}
