// Names what a fresh machine lacks, with the command that installs it.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A failure whose message is meant for the person at the keyboard; shown without a stack. */
export class SetupError extends Error {}

const APT = 'sudo apt-get install -y';
const DNF = 'sudo dnf install -y';

const TOOLS = [
  { command: 'cmake', args: ['--version'], apt: 'cmake', dnf: 'cmake', why: 'configures the native build' },
  { command: 'c++', args: ['--version'], apt: 'g++', dnf: 'gcc-c++', why: 'compiles the native code (C++20)' },
  { command: 'make', args: ['--version'], apt: 'make', dnf: 'make', why: 'runs the native build', orElse: 'ninja' },
];

function runs(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    throw new SetupError(`Node ${process.versions.node} is too old: Automed needs Node 20 or newer (nodejs.org).`);
}

/** Every missing build tool in one message. */
export function checkBuildTools() {
  const missing = TOOLS.filter(
    (tool) => !runs(tool.command, tool.args) && !(tool.orElse && runs(tool.orElse, tool.args)),
  );
  if (missing.length === 0) return;
  const lines = missing.map((tool) => `  ${tool.command}: ${tool.why}`);
  const packages = (key) => missing.map((tool) => tool[key]).join(' ');
  throw new SetupError(
    `Missing build tools:\n${lines.join('\n')}\n` +
      `Install them with '${APT} ${packages('apt')}' (Debian, Ubuntu) or '${DNF} ${packages('dnf')}' (Fedora, RHEL).`,
  );
}

/** Commands at work, several at a time. */
const children = new Set();

/** Ends every command at work, and what each of them started. */
export function endCommands(signal = 'SIGTERM') {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid, signal);
}

function stop(signal) {
  endCommands(signal);
  process.exit(signal === 'SIGINT' ? 130 : 143);
}

/**
 * Runs a command with its output on stderr, so that stdout stays the caller's. With `quiet` the output is shown only when
 * the command fails.
 */
export function run(command, args, { cwd, env = process.env, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    // In a process group of its own, so that all of a build ends when set-up is told to.
    const stdio = ['ignore', quiet ? 'pipe' : 2, quiet ? 'pipe' : 2];
    // Before the command starts: a signal in between would end set-up alone.
    if (children.size === 0) for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop);
    const child = spawn(command, args, { cwd, env, stdio, detached: true });
    children.add(child);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    const ended = () => {
      children.delete(child);
      if (children.size === 0) for (const each of ['SIGTERM', 'SIGINT']) process.off(each, stop);
    };
    child.on('error', (error) => {
      ended();
      reject(new SetupError(`${command}: ${error.message}`));
    });
    child.on('exit', (code, signal) => {
      ended();
      if (code === 0) resolve(output);
      else {
        if (quiet) process.stderr.write(output);
        reject(new SetupError(`'${command} ${args.join(' ')}' ended with ${signal ?? `exit code ${code}`}.`));
      }
    });
  });
}

/** File content, or null when it does not exist. */
export function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Of several texts as of one, in hexadecimal digits. */
export function sha256(...texts) {
  return texts.reduce((hash, text) => hash.update(text), createHash('sha256')).digest('hex');
}
