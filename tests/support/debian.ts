import { spawnSync } from 'node:child_process';

/** Installs packages with apt. @throws where apt is missing, or fails */
export function installPackages(packages: readonly string[]): void {
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  for (const args of [['update'], install]) {
    const { status, stderr, error } = spawnSync('apt-get', args, { encoding: 'utf8' });
    if (status !== 0 && args === install) {
      throw new Error(`apt-get ${args.join(' ')} failed: ${error?.message ?? stderr.slice(-500)}`);
    }
  }
}
