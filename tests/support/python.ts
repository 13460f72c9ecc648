import { spawnSync } from 'node:child_process';

/** Installs Python packages into a folder; says why when that does not work, in one line. */
export function pipInstall(packages: readonly string[], folder: string, timeoutMs: number): string | undefined {
  const quiet = ['--quiet', '--disable-pip-version-check', '--retries', '1'];
  const args = ['-m', 'pip', 'install', ...quiet, '--target', folder, ...packages];
  const { status, stderr, error } = spawnSync('python3', args, { encoding: 'utf8', timeout: timeoutMs });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().split('\n').at(-1) ?? 'pip failed';
}

/** Python that has some packages, and where they are: what PYTHONPATH has to be. */
export interface FoundPython {
  path: string;
  /** Why there are none; undefined when there are. */
  missing: string | undefined;
}

/**
 * Finds modules where Python looks for them, or installs them.
 * @param modules names to import by
 * @param packages what pip installs where they are missing
 * @param folder to install into
 */
export function findPython(modules: readonly string[], packages: readonly string[], folder: string): FoundPython {
  const has = (path: string): boolean =>
    spawnSync('python3', ['-c', `import ${modules.join(', ')}`], { env: { ...process.env, PYTHONPATH: path } })
      .status === 0;
  const own = process.env.PYTHONPATH ?? '';
  if (has(own)) return { path: own, missing: undefined };
  const why = pipInstall(packages, folder, 180_000);
  return { path: folder, missing: why ?? (has(folder) ? undefined : `${modules.join(', ')} cannot be imported`) };
}
