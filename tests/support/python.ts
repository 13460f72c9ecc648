import { spawnSync } from 'node:child_process';

/** Installs Python packages into a folder; says why when that does not work, in one line. */
export function pipInstall(packages: readonly string[], folder: string, timeoutMs: number): string | undefined {
  const quiet = ['--quiet', '--disable-pip-version-check', '--retries', '1'];
  const args = ['-m', 'pip', 'install', ...quiet, '--target', folder, ...packages];
  const { status, stderr, error } = spawnSync('python3', args, { encoding: 'utf8', timeout: timeoutMs });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().split('\n').at(-1) ?? 'pip failed';
}
