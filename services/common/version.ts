import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The root of the checkout, from the sources as well as from their compiled copy. */
export function repositoryRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'native', 'CMakeLists.txt'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('native/CMakeLists.txt is not above this program; run it from a checkout');
    folder = parent;
  }
  return folder;
}

export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
