// The native tests and the reader of hostile checkpoints under AddressSanitizer, LeakSanitizer and
// UndefinedBehaviorSanitizer: `npm run test:sanitize [-- --count N]` (hostile files; default 20,000).
//
// The first fault ends the run; no leak is passed over, LibTorch has none. Minutes, and a build folder of its own
// (build/sanitized).

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureLibTorch } from './libtorch.mjs';
import { checkBuildTools, run, SetupError } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const build = join(root, 'build', 'sanitized');
const PROGRAMS = ['automed_native_tests', 'automed_fuzz'];

const ENVIRONMENT = {
  ...process.env,
  ASAN_OPTIONS: 'detect_leaks=1:check_initialization_order=1:strict_init_order=1:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
};

function generator() {
  try {
    execFileSync('ninja', ['--version'], { stdio: 'ignore' });
    return ['-G', 'Ninja'];
  } catch {
    return [];
  }
}

async function buildPrograms() {
  checkBuildTools();
  await ensureLibTorch(root, (text) => process.stderr.write(`sanitize: ${text}\n`));
  mkdirSync(build, { recursive: true });
  const options = ['-DCMAKE_BUILD_TYPE=Release', '-DAUTOMED_SANITIZE=address,undefined'];
  await run('cmake', ['-S', join(root, 'native'), '-B', build, ...generator(), ...options], { cwd: root });
  const jobs = String(availableParallelism());
  await run('cmake', ['--build', build, '--parallel', jobs, '--target', ...PROGRAMS], { cwd: root });
}

try {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '20000' } } });
  await buildPrograms();
  const [tests, fuzz] = PROGRAMS.map((name) => join(build, 'Release', name));
  await run(tests, [], { cwd: root, env: ENVIRONMENT });
  await run(fuzz, ['--count', values.count], { cwd: root, env: ENVIRONMENT });
} catch (error) {
  process.stderr.write(`sanitize: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}
