// What a stranger gets who installs the package: three entry points and the command, with or without the addon.

import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';
import { install, onlyNode, pack, ran, ROOT, type Packed } from './packed';

const folder = temporaryFolder();
const project = join(folder, 'project');
const installed = join(project, 'node_modules', 'automed');
const addon = join(installed, 'build', 'Release', 'automed.node');
const image = join(folder, 'image.png');

let packed: Packed;
let inference: Program;
let gateway: Program;

beforeAll(async () => {
  packed = await pack(folder);
  await install(project, packed.tarball);
  const home = join(folder, 'home');
  await (await makeStore(home)).addSegmentation('polyp');
  inference = await startProgram('inference', { AUTOMED_HOME: home });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
  writeFileSync(image, (await discImage()).png);
}, 600_000);

afterAll(async () => {
  await gateway.stop();
  await inference.stop();
});

const node = (name: string, source: string) => {
  writeFileSync(join(project, name), source);
  return ran(process.execPath, [name], project);
};
const automed = (...args: string[]) => ran('npx', ['--no-install', 'automed', ...args], project);

/** Lines that both kinds of modules share, behind their import of `client` (automed/client) and `readFileSync`. */
const CALLS = `
const automed = new client.AutomedClient(process.argv[2] ?? ${JSON.stringify('ADDRESS')});
const encoded = readFileSync(${JSON.stringify(image)});
const { masks } = await automed.segmentation.segment({ model: 'polyp', image: { encoded } });
const opened = automed.interactive.open({ model: 'polyp', image: { encoded } });
const point = { points: [{ xPx: 150, yPx: 100, label: 'POINT_LABEL_FOREGROUND' }] };
await opened.predictMasks(point);
const again = await opened.predictMasks(point);
const names = (await client.collect(automed.models.list())).map(({ name }) => name);
const missing = await automed.models.get('nobody').catch((error) => error);
automed.close();
console.log(JSON.stringify({
  structures: masks.map(({ structure }) => structure),
  prompted: again.masks.length, embedded: opened.embeddingId === again.embeddingId, names,
  error: [missing instanceof client.NotFoundError, missing.code],
  torch: readFileSync('/proc/self/maps', 'utf8').includes('libtorch'),
}));`;
const calls = (): string => CALLS.replace('ADDRESS', gateway.address);
const ANSWERS = {
  structures: ['polyp'],
  prompted: 1,
  embedded: true,
  names: ['polyp'],
  error: [true, 'NOT_FOUND'],
  torch: false,
};

test('the tarball holds programs, types, native sources, protos and licence, and neither tests nor data', () => {
  const { files, size } = packed;
  for (const file of [
    ...['README.md', 'LICENSE', 'NOTICE', 'package.json', 'services/cli/bin/automed.mjs'],
    ...['dist/services/cli/main.js', 'dist/services/client/index.d.ts', 'dist/native/lib/index.d.ts'],
    ...['native/CMakeLists.txt', 'native/src/binding/addon.cpp', 'native/setup/install.mjs'],
    ...['proto/automed/segmentation/v1/segmentation_service.proto', 'proto/gen/api.binpb'],
  ])
    expect(files).toContain(file);
  const unwanted = files.filter(
    (file) =>
      /^(dist\/)?(tests|shared|findings)\/|(^|\/)(node_modules|\.libtorch)\//.test(file) ||
      /(?<!\.d)\.ts$|\.map$/.test(file),
  );
  expect(unwanted).toEqual([]);
  expect(size).toBeLessThan(2_000_000);
});

describe('without the addon', () => {
  beforeEach(() => rmSync(join(installed, 'build'), { recursive: true, force: true }));

  test('CommonJS calls a server', async () => {
    const source = `const client = require('automed/client'); const { readFileSync } = require('node:fs');
      (async () => {${calls()}})();`;
    const { stdout, stderr } = await node('calls.cjs', source);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(ANSWERS);
  });

  test('an ES module calls a server', async () => {
    const source = `import * as client from 'automed/client'; import { AutomedClient } from 'automed/client';
      import { readFileSync } from 'node:fs'; if (client.AutomedClient !== AutomedClient) throw new Error();${calls()}`;
    const { stdout, stderr } = await node('calls.mjs', source);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(ANSWERS);
  });

  test('the install script skips on demand, and the command and the engine say so', async () => {
    const rebuilt = await ran('npm', ['rebuild', 'automed', '--foreground-scripts'], project, {
      AUTOMED_SKIP_ADDON: '1',
    });
    expect(rebuilt.code).toBe(0);
    expect(rebuilt.stdout + rebuilt.stderr).toContain('installed without its addon');
    const demo = await automed('demo');
    expect(demo.code).toBe(1);
    expect(demo.stderr).toMatch(/AUTOMED_SKIP_ADDON was 1.*\n?.*Then run `npm rebuild automed`/);
    const { stdout } = await node(
      'engine.mjs',
      `import { buildInfo, IllegalStateError } from 'automed/native';
       try { buildInfo(); } catch (error) { console.log(error instanceof IllegalStateError, error.message); }`,
    );
    expect(stdout).toMatch(/^true The addon is not built\.\n.*AUTOMED_SKIP_ADDON.*\nThen run `npm rebuild automed`/);
  });

  test('the install script names missing tools with the command that installs them, and succeeds', async () => {
    const script = join(installed, 'native', 'setup', 'install.mjs');
    const { code, stderr } = await ran(process.execPath, [script], project, { PATH: onlyNode(folder) });
    expect(code).toBe(0);
    expect(stderr).toMatch(/Missing build tools:\n {2}cmake: .*\n {2}c\+\+: /);
    expect(stderr).toContain('sudo apt-get install -y cmake g++ make');
    expect((await automed('serve')).stderr).toContain('Missing build tools:');
  });

  test('the command tells its version', async () => {
    expect((await automed('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

test('a strict TypeScript project type-checks, in both kinds of modules', async () => {
  const names = ['consumer.mts', 'consumer.cts'];
  for (const name of names) copyFileSync(join(__dirname, 'consumer.ts.txt'), join(project, name));
  const flags = ['--noEmit', '--strict', '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  const { stdout } = await ran(join(ROOT, 'node_modules', '.bin', 'tsc'), [...flags, ...names], project);
  expect(stdout).toBe('');
});

test('the protos load by their names', async () => {
  const { stdout } = await node(
    'protos.cjs',
    `const path = require.resolve('automed/proto/automed/segmentation/v1/segmentation_service.proto');
     const definition = require('@grpc/proto-loader').loadSync(path, { includeDirs: [path.replace(/automed\\/segmentation.*/, '')] });
     console.log('automed.segmentation.v1.SegmentationService' in definition);`,
  );
  expect(stdout).toBe('true\n');
});

test('what is not an entry point cannot be imported', async () => {
  const { stderr } = await node('deep.cjs', `require('automed/dist/services/store/index.js');`);
  expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
});

test('the engine runs once the addon is built', async () => {
  // As the install script would have built it; tests/e2e/package/full-install.mjs builds it there.
  mkdirSync(join(installed, 'build', 'Release'), { recursive: true });
  if (!existsSync(addon)) copyFileSync(join(ROOT, 'build', 'Release', 'automed.node'), addon);
  const esm = await node(
    'native.mjs',
    `import { buildInfo } from 'automed/native'; console.log(buildInfo().libtorch);`,
  );
  const cjs = await node('native.cjs', `console.log(require('automed/native').buildInfo().libtorch);`);
  expect(esm.stdout).toMatch(/^2\.\d+\.\d+/);
  expect(cjs.stdout).toBe(esm.stdout);
});
