// Builds the addon, in a checkout or in an installed package.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureLibTorch } from './libtorch.mjs';
import { checkBuildTools, readOrNull, run, sha256 } from './tools.mjs';

/** npm puts a package's dependencies beside it or above it. */
function cmakeJsPath(root) {
  const manifest = createRequire(join(root, 'package.json')).resolve('cmake-js/package.json');
  return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin['cmake-js']);
}

/**
 * Fetches LibTorch where it is not there and builds the addon, each where it is not done; with `tests` the programs that test
 * and measure the native code too, where there are their sources. @throws SetupError
 */
export async function buildAddon(root, log, { tests = false } = {}) {
  checkBuildTools();
  const libtorch = await ensureLibTorch(root, log);
  const build = join(root, 'build');
  const jobs = String(availableParallelism());
  const environment = [
    ...['LIBTORCH', 'LIBTORCH_USE_PYTORCH', 'LIBTORCH_BYPASS_VERSION_CHECK'],
    ...['AUTOMED_CUDA', 'AUTOMED_GLOO', 'AUTOMED_NCCL', 'CXX', 'CXXFLAGS'],
  ];
  const signature = sha256(
    root,
    process.version,
    String(libtorch),
    ...environment.map((name) => `${name}=${process.env[name] ?? ''};`),
    ...['CMakeLists.txt', 'cmake/LibTorch.cmake', 'cmake/Collectives.cmake'].map((file) =>
      readFileSync(join(root, 'native', file), 'utf8'),
    ),
  );
  const stamp = join(build, '.automed-configured');
  const cmakeJs = (command, ...more) =>
    run(
      process.execPath,
      [cmakeJsPath(root), command, '--directory', join(root, 'native'), '--out', build, '--parallel', jobs, ...more],
      { cwd: root },
    );
  // cmake-js does not configure again by itself when its cache exists.
  if (readOrNull(stamp) !== signature) {
    log('configuring the native build');
    rmSync(stamp, { force: true });
    rmSync(join(build, 'CMakeCache.txt'), { force: true });
    await cmakeJs('configure');
    writeFileSync(stamp, signature);
  }
  log(`building the native code${tests ? ' and its tests' : ''}`);
  await cmakeJs('build', ...(tests ? [] : ['--target', 'automed_addon']));
}
