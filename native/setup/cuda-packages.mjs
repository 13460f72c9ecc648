// What LibTorch's CUDA wheel needs to run on the CPU: the packages of the few CUDA libraries that libtorch_cpu.so and
// libc10.so name (DT_NEEDED); all others, several GB, serve libtorch_cuda.so alone.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { neededBy } from './elf.mjs';
import { SetupError } from './tools.mjs';

/** What we link, and so what must load. */
const LINKED = ['libc10.so', 'libtorch_cpu.so'];

/** Which package carries a library, by its name without version. CUDA 12's packages end in -cu12, most of CUDA 13's have no end. */
const CARRIERS = {
  libcudart: 'nvidia-cuda-runtime',
  libcupti: 'nvidia-cuda-cupti',
  libnvrtc: 'nvidia-cuda-nvrtc',
  libnvToolsExt: 'nvidia-nvtx',
  libcublas: 'nvidia-cublas',
  libcublasLt: 'nvidia-cublas',
  libcudnn: 'nvidia-cudnn',
  libcufft: 'nvidia-cufft',
  libcufile: 'nvidia-cufile',
  libcurand: 'nvidia-curand',
  libcusolver: 'nvidia-cusolver',
  libcusparse: 'nvidia-cusparse',
  libcusparseLt: 'nvidia-cusparselt',
  libnccl: 'nvidia-nccl',
  libnvJitLink: 'nvidia-nvjitlink',
  libnvshmem_host: 'nvidia-nvshmem',
};

const stem = (soname) => soname.replace(/\.so.*$/, '');

/** Folders of a fetched tree that hold CUDA's libraries. */
function cudaFolders(tree) {
  const root = join(tree, 'nvidia');
  if (!existsSync(root)) return [];
  return readdirSync(root).flatMap((name) => ['lib', 'lib64'].map((lib) => join(root, name, lib)).filter(existsSync));
}

/** CUDA libraries that what we link needs, directly or through others, and that are not in the tree yet. */
export function missingLibraries(tree) {
  const folders = [join(tree, 'torch', 'lib'), ...cudaFolders(tree)];
  const missing = new Set();
  const seen = new Set();
  const follow = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    const path = folders.map((folder) => join(folder, name)).find(existsSync);
    if (path !== undefined) neededBy(path).forEach(follow);
    else if (stem(name) in CARRIERS) missing.add(name);
  };
  LINKED.forEach(follow);
  return [...missing].sort();
}

/** `Requires-Dist` lines of a package in the tree: name, version part, as pip takes them. */
function requirementsOf(tree, name) {
  const folder = readdirSync(tree).find(
    (entry) => entry.startsWith(`${name.replaceAll('-', '_')}-`) && entry.endsWith('.dist-info'),
  );
  if (folder === undefined) return [];
  return readFileSync(join(tree, folder, 'METADATA'), 'utf8')
    .split('\n')
    .map((line) => /^Requires-Dist: *([\w.-]+)(?:\[[^\]]*\])? *\(?([^;)]*)\)?/.exec(line))
    .filter((match) => match !== null)
    .map(([, package_, version]) => ({ name: package_.toLowerCase().replaceAll('_', '-'), version: version.trim() }));
}

/** pip's requirement of the package that carries a library, at the version that torch asks for. */
function carrierOf(soname, requirements) {
  const wanted = CARRIERS[stem(soname)];
  const found = requirements.find(({ name }) => name === wanted || name.replace(/-cu\d+$/, '') === wanted);
  if (found === undefined)
    throw new SetupError(`The CUDA wheel of torch needs ${soname}, and names no package that carries it.`);
  return `${found.name}${found.version}`;
}

/**
 * Fetches what is missing for the CPU.
 * @param fetch installs requirements into the tree, without what these require
 * @returns the requirements that were fetched
 */
export async function fetchCpuNeeds(tree, fetch) {
  const fetched = [];
  for (let missing = missingLibraries(tree); missing.length > 0; missing = missingLibraries(tree)) {
    const toolkit = requirementsOf(tree, 'torch').find(({ name }) => name === 'cuda-toolkit');
    // CUDA 13's wheels name most packages through this one, which is empty itself.
    if (toolkit !== undefined && requirementsOf(tree, 'cuda-toolkit').length === 0)
      await fetch([`cuda-toolkit${toolkit.version}`]);
    const requirements = [...requirementsOf(tree, 'torch'), ...requirementsOf(tree, 'cuda-toolkit')];
    const packages = [...new Set(missing.map((soname) => carrierOf(soname, requirements)))];
    if (packages.every((name) => fetched.includes(name)))
      throw new SetupError(
        `${packages.join(', ')} did not bring ${missing.join(', ')}, which torch's CUDA wheel needs.`,
      );
    fetched.push(...packages);
    // All at once: pip replaces a folder of an earlier call, and they share nvidia/.
    await fetch(fetched);
  }
  return fetched;
}
