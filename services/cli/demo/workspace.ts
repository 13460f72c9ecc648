import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { repositoryRoot } from '../config';
import { CliError } from '../errors';

/** Says that a folder is the demonstration's, so that it may be emptied. */
const MARKER = '.automed-demo';

export interface Workspace {
  root: string;
  data: string;
  store: string;
  jobs: string;
  overlays: string;
}

/** An empty working folder; what an earlier run left in it is deleted, what somebody else put there is not. */
export function prepareWorkspace(out: string | undefined, home: string | undefined): Workspace {
  const root = out === undefined ? join(repositoryRoot(), '.automed', 'demo') : resolve(out);
  const marker = join(root, MARKER);
  if (existsSync(root) && readdirSync(root).length > 0 && !existsSync(marker)) {
    throw new CliError(`${root} holds other files; choose an empty folder with --out`);
  }
  const own = {
    data: join(root, 'data'),
    store: join(root, 'store'),
    jobs: join(root, 'jobs'),
    overlays: join(root, 'overlays'),
  };
  for (const folder of Object.values(own)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(marker, '');
  return { root, ...own, store: home === undefined ? own.store : resolve(home) };
}
