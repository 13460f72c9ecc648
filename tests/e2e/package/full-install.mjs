// The whole of an installation, as a stranger makes it: packs, installs into an empty project with all install scripts (fetches
// LibTorch unless LIBTORCH names one, builds the addon), then runs the engine and the demo. Takes minutes; `npm run test:package`.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'automed-package-'));

function run(command, args, cwd = folder) {
  process.stdout.write(`$ ${command} ${args.join(' ')}\n`);
  const begun = Date.now();
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ended with ${status}; ${folder} is left`);
  process.stdout.write(`  ${((Date.now() - begun) / 1000).toFixed(0)} s\n`);
}

run('npm', ['pack', '--pack-destination', folder], root);
const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
run('npm', ['install', `./${tarball}`, '--foreground-scripts', '--no-audit', '--no-fund']);
run(process.execPath, ['-e', "console.log(require('automed/native').buildInfo())"]);
const module = "import { buildInfo } from 'automed/native'; console.log(buildInfo().libtorch)";
run(process.execPath, ['--input-type=module', '-e', module]);
// Few pictures: what is shown is that everything is there, not how well it learns.
const few = ['--images', '32', '--test-images', '8', '--epochs', '1', '--class-epochs', '1'];
run('npx', ['--no-install', 'automed', 'demo', ...few]);
rmSync(folder, { recursive: true });
