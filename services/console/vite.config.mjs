// Builds the console into dist/console: hashed files, no inline script or style, nothing from another host.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import makeWabt from 'wabt';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Assembles WebAssembly's text format. */
const wat = () => ({
  name: 'wat',
  async load(id) {
    if (!id.endsWith('.wat')) return null;
    const wabt = await makeWabt();
    const assembled = wabt.parseWat(id, readFileSync(id, 'utf8'), { simd: true });
    return `export const bytes = new Uint8Array([${assembled.toBinary({}).buffer.join()}]);`;
  },
});

export default defineConfig({
  plugins: [wat()],
  // Workers are built with plugins of their own.
  worker: { format: 'es', plugins: () => [wat()] },
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
