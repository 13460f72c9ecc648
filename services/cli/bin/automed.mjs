#!/usr/bin/env node
// Launcher: says what to do when the checkout is not built yet, and hands over to the compiled program.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithNpm } from '../../../native/setup/end-with-npm.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const main = join(root, 'dist', 'services', 'cli', 'main.js');
const [major] = process.versions.node.split('.').map(Number);

function refuse(text) {
  process.stderr.write(`automed: ${text}\n`);
  process.exit(1);
}

if (major < 20) refuse(`Node ${process.versions.node} is too old; install Node 20 or newer`);
if (!existsSync(main)) refuse(`not built yet; run \`npm run build\` in ${root}`);
endWithNpm();
await createRequire(import.meta.url)(main).main(process.argv.slice(2));
