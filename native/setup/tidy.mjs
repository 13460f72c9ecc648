// clang-tidy (.clang-tidy) over the native code: `npm run lint:tidy [-- core nn models pipeline train addon]`, after a build.
//
// It checks the units that the build compiles, which are whole folders: LibTorch's headers take longer to read than ours.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, SetupError } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const build = join(root, 'build');
const FOLDERS = ['core', 'nn', 'models', 'pipeline', 'train', 'addon'];

/** A precompiled header of GCC's is nothing that clang can read. */
const PRECOMPILED = / -Winvalid-pch| -include \S*cmake_pch\.hxx/g;

function checkInstalled() {
  try {
    execFileSync('clang-tidy', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new SetupError("clang-tidy is missing: 'sudo apt-get install -y clang-tidy' (Debian, Ubuntu).");
  }
}

/** Writes the commands of the units asked for where clang-tidy looks for them, and lists these units. */
function unitsOf(folders, database) {
  const commands = readCommands().flatMap((entry) => {
    const folder = FOLDERS.find((name) => entry.command.includes(`automed_${name}.dir/`));
    return folders.includes(folder) ? [{ ...entry, command: entry.command.replace(PRECOMPILED, '') }] : [];
  });
  mkdirSync(database, { recursive: true });
  writeFileSync(join(database, 'compile_commands.json'), JSON.stringify(commands));
  return commands.map(({ file }) => file);
}

function readCommands() {
  try {
    return JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'));
  } catch (cause) {
    throw new SetupError("There is no native build to check: run 'npm run build' first.", { cause });
  }
}

try {
  checkInstalled();
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !FOLDERS.includes(name));
  if (unknown) throw new SetupError(`unknown folder '${unknown}'; there are ${FOLDERS.join(', ')}`);
  const database = join(build, 'tidy');
  const units = unitsOf(asked.length === 0 ? FOLDERS : asked, database);
  const failed = [];
  const check = async () => {
    for (let unit = units.shift(); unit !== undefined; unit = units.shift()) {
      process.stderr.write(`tidy: ${relative(root, unit)}\n`);
      await run('clang-tidy', ['-p', database, '--quiet', unit], { cwd: root }).catch(() => failed.push(unit));
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), units.length) }, check));
  if (failed.length > 0) throw new SetupError(`clang-tidy found faults in ${failed.length} unit(s).`);
} catch (error) {
  process.stderr.write(`tidy: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}
