// `npm run sbom [-- FILE]`: a CycloneDX list of what a deployment holds, on standard output or into a file: npm's packages as
// `npm sbom` lists them, without those of development, and LibTorch, which npm does not know.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VERSIONS } from '../../native/setup/libtorch.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const run = spawnSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: ROOT,
  encoding: 'utf8',
  maxBuffer: 256 * 1024 * 1024,
});
if (run.status !== 0) {
  process.stderr.write(`npm sbom failed: ${run.stderr}\n`);
  process.exit(1);
}
const bom = JSON.parse(run.stdout);
// `--omit dev` (npm 11) also drops what is needed in production when a development dependency needs it, too.
const isDevelopment = ({ properties = [] }) =>
  properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
bom.components = bom.components.filter((component) => !isDevelopment(component));
const kept = new Set([bom.metadata.component['bom-ref'], ...bom.components.map((each) => each['bom-ref'])]);
bom.dependencies = bom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) }));

const [version] = VERSIONS;
const libtorch = `pkg:pypi/torch@${version}`;
bom.components.push({
  'bom-ref': libtorch,
  type: 'library',
  name: 'torch',
  version,
  description: "LibTorch, from PyTorch's wheel; dynamically linked by the native addon",
  licenses: [{ license: { id: 'BSD-3-Clause' } }],
  purl: libtorch,
});
const root = bom.dependencies.find(({ ref }) => ref === bom.metadata.component['bom-ref']);
root?.dependsOn.push(libtorch);

const text = `${JSON.stringify(bom, null, 2)}\n`;
const [file] = process.argv.slice(2);
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);
