import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes files below a new folder of `root`: paths with their content, or paths of empty files. */
export function writeTree(
  root: string,
  ...files: (string | readonly [path: string, content: string | Buffer])[]
): string {
  const folder = mkdtempSync(join(root, 'tree-'));
  for (const file of files) {
    const [path, content] = typeof file === 'string' ? [file, ''] : file;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}
