// npm's install script of the packed package: builds the addon where that is possible. It never fails, because `automed/client`
// needs no addon; what is missing is told now, where npm shows it, and by whatever needs the addon later. `npm rebuild automed`
// tries again.
//
//   AUTOMED_SKIP_ADDON=1      builds nothing: for projects that use the client alone
//
// Plain Node without packages, as all of set-up.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './build-addon.mjs';
import { checkNode, SetupError } from './tools.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const reasonFile = join(root, 'build', 'skipped.txt');
const log = (text) => process.stderr.write(`automed: ${text}\n`);

function skip(reason) {
  mkdirSync(dirname(reasonFile), { recursive: true });
  writeFileSync(reasonFile, `${reason}\n`);
  log(`${reason}\nautomed: installed without its addon: automed/client works, training and serving do not.`);
}

async function install() {
  if (process.env.AUTOMED_SKIP_ADDON === '1') {
    skip('The addon was not built because AUTOMED_SKIP_ADDON was 1; unset it.');
    return;
  }
  try {
    checkNode();
    await buildAddon(root, log);
    rmSync(reasonFile, { force: true });
  } catch (error) {
    skip(`The addon could not be built. ${error instanceof SetupError ? error.message : error.stack}`);
  }
}

// In a checkout `npm run build` and the commands that need it build everything.
if (!existsSync(join(root, 'tsconfig.json'))) await install();
