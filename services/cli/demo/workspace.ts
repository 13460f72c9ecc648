import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isCheckout, packageRoot } from '../../common/installation';
import { makeFolderSync } from '../../common/make-folder';
import { CliError } from '../program/errors';

/** Says that a folder is the demonstration's, so that it may be emptied; holds the id of the process that works in it. */
const MARKER = '.automed-demo';

export interface Workspace {
  root: string;
  data: string;
  store: string;
  overlays: string;
}

/** An empty working folder; what an earlier run left in it is deleted, what somebody else put there is not. */
export function prepareWorkspace(out: string | undefined, home: string | undefined): Workspace {
  // Below node_modules nobody would look for pictures.
  const project = isCheckout() ? packageRoot() : process.cwd();
  const root = out === undefined ? join(project, '.automed', 'demo') : resolve(out);
  const marker = join(root, MARKER);
  if (existsSync(root) && readdirSync(root).length > 0 && !existsSync(marker)) {
    throw new CliError(`${root} holds other files; choose an empty folder with --out`);
  }
  const owner = existsSync(marker) ? Number(readFileSync(marker, 'utf8')) : 0;
  if (owner !== process.pid && isRunning(owner)) {
    throw new CliError(
      `another demo (process ${owner}) works in ${root}; wait for it, or choose another folder with --out`,
    );
  }
  makeFolderSync(root);
  // Before minutes are spent on data.
  if (home !== undefined) makeFolderSync(home);
  writeFileSync(marker, String(process.pid));
  const own = {
    data: join(root, 'data'),
    store: join(root, 'store'),
    overlays: join(root, 'overlays'),
  };
  for (const folder of Object.values(own)) {
    rmSync(folder, { recursive: true, force: true });
    makeFolderSync(folder);
  }
  return { root, ...own, store: home === undefined ? own.store : resolve(home) };
}

/** Says that nobody works in the folder any more. */
export function releaseWorkspace({ root }: Workspace): void {
  writeFileSync(join(root, MARKER), '');
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // There is no such process, or it is somebody else's and no demo of ours.
  }
}
