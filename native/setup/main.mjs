// Everything between a fresh clone and a working build; each step is skipped when it is already done.
//
//   node native/setup/main.mjs [packages] [native] [typescript]     default: all
//
// Plain Node without packages, because it runs before they are installed.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithNpm } from './end-with-npm.mjs';
import { ensureLibTorch } from './libtorch.mjs';
import { checkBuildTools, checkNode, readOrNull, run, SetupError } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const log = (text) => process.stderr.write(`setup: ${text}\n`);
const sha256 = (...texts) => texts.reduce((hash, text) => hash.update(text), createHash('sha256')).digest('hex');

async function packages() {
  const wanted = sha256(readFileSync(join(root, 'package-lock.json')));
  const stamp = join(root, 'node_modules', '.automed-lock');
  if (readOrNull(stamp) === wanted) return;
  log('installing npm packages');
  // Not `npm ci`: it refuses a lock file without the optional packages of other platforms, which not every registry lists.
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root });
  writeFileSync(stamp, wanted);
}

async function native() {
  checkBuildTools();
  const libtorch = await ensureLibTorch(root, log);
  const build = join(root, 'build');
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
  const cmakeJs = (command) =>
    run(
      join(root, 'node_modules', '.bin', 'cmake-js'),
      [command, '--directory', join(root, 'native'), '--out', build, '--parallel', String(availableParallelism())],
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
  log('building the native code');
  await cmakeJs('build');
}

async function typescript() {
  await run(process.execPath, [join(root, 'proto', 'generate.mjs')], { cwd: root });
  const newest = Math.max(
    statSync(join(root, 'native', 'architectures.json')).mtimeMs,
    ...['native/lib', 'services', 'proto', 'tests'].map((folder) => newestChange(join(root, folder))),
  );
  const stamp = join(root, 'dist', '.built');
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newest) return;
  log('compiling TypeScript');
  mkdirSync(join(root, 'dist'), { recursive: true });
  await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', root], { cwd: root });
  writeFileSync(stamp, '');
}

function newestChange(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestChange(path) : statSync(path).mtimeMs);
  }
  return newest;
}

endWithNpm();
const steps = { packages, native, typescript };
const asked = process.argv.slice(2);
try {
  checkNode();
  const unknown = asked.find((name) => !(name in steps));
  if (unknown) throw new SetupError(`unknown step '${unknown}'; there are ${Object.keys(steps).join(', ')}`);
  for (const [name, step] of Object.entries(steps)) if (asked.length === 0 || asked.includes(name)) await step();
} catch (error) {
  process.stderr.write(`setup: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}
