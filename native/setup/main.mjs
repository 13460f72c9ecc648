// Everything between a fresh clone and a working build; each step is skipped when it is already done.
//
//   node native/setup/main.mjs [packages] [libtorch] [addon|native] [typescript] [console] [declarations]
//
// `addon` is what running needs of the native code, `native` the programs that test it too. Default: packages, native,
// typescript, console.
//
// Plain Node without packages, because it runs before they are installed.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './build-addon.mjs';
import { endWithNpm } from './end-with-npm.mjs';
import { ensureLibTorch } from './libtorch.mjs';
import { checkBuildTools, checkNode, endCommands, readOrNull, run, SetupError, sha256 } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const log = (text) => process.stderr.write(`setup: ${text}\n`);

/** Puts the packages in place. @returns what runs their install scripts, one of which may compile SQLite; nothing else needs that */
async function packages() {
  const wanted = sha256(readFileSync(join(root, 'package-lock.json')));
  const stamp = join(root, 'node_modules', '.automed-lock');
  if (readOrNull(stamp) === wanted) return async () => undefined;
  log('installing npm packages');
  const npm = (...words) => run('npm', [...words, '--loglevel=error'], { cwd: root });
  // Not `npm ci`: it refuses a lock file without the optional packages of other platforms, which not every registry lists.
  await npm('install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts');
  return async () => {
    await npm('rebuild', '--bin-links=false');
    writeFileSync(stamp, wanted);
  };
}

async function typescript() {
  await run(process.execPath, [join(root, 'proto', 'generate.mjs')], { cwd: root });
  const newest = Math.max(
    statSync(join(root, 'native', 'architectures.json')).mtimeMs,
    // An image's build has no tests.
    ...['native/lib', 'services', 'proto', 'tests']
      .map((name) => join(root, name))
      .filter(existsSync)
      .map(newestChange),
  );
  const stamp = join(root, 'dist', '.built');
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newest) return;
  log('compiling TypeScript');
  mkdirSync(join(root, 'dist'), { recursive: true });
  await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', root], { cwd: root });
  writeFileSync(stamp, '');
}

/** The console's static files. Vite empties dist/console first, so the stamp lies beside it. */
async function pages() {
  const folders = ['console', 'console-kit'].map((name) => newestChange(join(root, 'services', name)));
  const newest = Math.max(...folders, statSync(join(root, 'package-lock.json')).mtimeMs);
  const stamp = join(root, 'dist', '.console-built');
  if (existsSync(stamp) && existsSync(join(root, 'dist', 'console')) && statSync(stamp).mtimeMs > newest) return;
  log('building the console');
  mkdirSync(join(root, 'dist'), { recursive: true });
  const config = join(root, 'services', 'console', 'vite.config.mjs');
  await run(join(root, 'node_modules', '.bin', 'vite'), ['build', '--config', config], { cwd: root, quiet: true });
  writeFileSync(stamp, '');
}

/** What `npm pack` packs beside the build: types of the entry points, and nothing of sources that are gone. */
async function declarations() {
  removeStale(join(root, 'dist'), root);
  await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(root, 'tsconfig.package.json')], { cwd: root });
}

function removeStale(folder, sources) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const [path, source] = [join(folder, entry.name), join(sources, entry.name)];
    if (path === join(root, 'dist', 'console')) continue; // Vite's, which empties it itself
    if (entry.isDirectory()) removeStale(path, source);
    else if (/\.(d\.ts|js|js\.map)$/.test(entry.name) && !existsSync(source.replace(/\.(d\.ts|js|js\.map)$/, '.ts')))
      rmSync(path);
  }
}

function newestChange(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestChange(path) : statSync(path).mtimeMs);
  }
  return newest;
}

const STEPS = ['packages', 'libtorch', 'addon', 'native', 'typescript', 'console', 'declarations'];
const DEFAULT_STEPS = ['packages', 'native', 'typescript', 'console'];

async function setUp(wanted) {
  const asks = (step) => wanted.includes(step);
  const native = asks('native') || asks('addon');
  if (native) checkBuildTools();
  // Both mostly wait for the network.
  const [runScripts] = await Promise.all([
    asks('packages') && packages(),
    (native || asks('libtorch')) && ensureLibTorch(root, log),
  ]);
  // The compiler's last units leave processors idle, and the rest needs nothing of them.
  const rest = async () => {
    if (asks('typescript')) await typescript();
    if (asks('console')) await pages();
  };
  await Promise.all([runScripts && runScripts(), native && buildAddon(root, log, { tests: asks('native') }), rest()]);
  if (asks('declarations')) await declarations();
}

endWithNpm();
const asked = process.argv.slice(2);
try {
  checkNode();
  const unknown = asked.find((name) => !STEPS.includes(name));
  if (unknown) throw new SetupError(`unknown step '${unknown}'; there are ${STEPS.join(', ')}`);
  await setUp(asked.length === 0 ? DEFAULT_STEPS : asked);
} catch (error) {
  endCommands();
  process.stderr.write(`setup: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}
