// Where this copy of Automed lies and whether its addon is built: in a checkout, or in node_modules of another project.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of package.json, from the sources as well as from their compiled copy under dist/. */
export function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'native', 'CMakeLists.txt'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('automed: native/CMakeLists.txt not found above this file');
    folder = parent;
  }
  return folder;
}

/** Whether this is a checkout; the packed package holds no sources in TypeScript. */
export function isCheckout(root = packageRoot()): boolean {
  return existsSync(join(root, 'tsconfig.json'));
}

/** The compiled addon; it may be missing. */
export function addonPath(root = packageRoot()): string {
  return join(root, 'build', 'Release', 'automed.node');
}

/** What to do about a file that the build makes and that is missing; ends without a full stop. */
export function buildAdvice(root = packageRoot()): string {
  if (isCheckout(root)) return `run \`npm run build\` in ${root}`;
  const advice = 'run `npm rebuild automed`';
  // native/setup/install.mjs leaves it when it cannot build.
  const reason = join(root, 'build', 'skipped.txt');
  return existsSync(reason) ? `${readFileSync(reason, 'utf8').trim()}\nThen ${advice}` : advice;
}
