// Builds the console into dist/console: hashed files, no inline script or style, nothing from another host.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root: here,
  base: '/',
  logLevel: 'warn',
  // Of both packages; only one has the tsconfig.json.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../../dist/console', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The content policy allows files of this host alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
