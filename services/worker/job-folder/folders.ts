import { join } from 'node:path';

/** Folder of a job's checkpoints and caches. A job that has succeeded or was cancelled has none. */
export function jobFolder(home: string, id: string): string {
  return join(home, 'jobs', `job-${id}`);
}

/** Locked by whoever works in a job folder. */
export const LOCK_FILE = '.lock';

/** Folder of a job's previews. */
export function previewFolder(home: string, id: string): string {
  return join(home, 'previews', id);
}
