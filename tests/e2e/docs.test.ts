// The clients that the documentation shows, run as they stand against a gateway; only the address and the paths are replaced.

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/data';
import { pipInstall } from '../support/python';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';

const ROOT = join(__dirname, '..', '..');
const folder = temporaryFolder();
const packages = join(folder, 'python');
const image = join(folder, 'image.png');
const missing = pipInstall(['grpcio', 'protobuf', 'grpcio-tools', 'setuptools'], packages, 110_000);

const inPython = missing === undefined ? test : test.skip;
if (missing !== undefined) process.stderr.write(`skipped: Python's gRPC cannot be installed (${missing})\n`);

let inference: Program;
let gateway: Program;

beforeAll(async () => {
  const home = join(folder, 'home');
  await (await makeStore(home)).addSegmentation('polyp');
  inference = await startProgram('inference', { AUTOMED_HOME: home });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
  writeFileSync(image, (await discImage()).png);
});

afterAll(async () => {
  await gateway.stop();
  await inference.stop();
});

/** The only block of a language on a page, about this test's gateway and image. */
function block(page: string, language: string): string {
  const blocks = [
    ...readFileSync(join(ROOT, page), 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')),
  ];
  expect(blocks).toHaveLength(1);
  return blocks[0]![1]!.replace('127.0.0.1:50051', gateway.address).replace('image.png', image);
}

async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: ROOT, env: { ...process.env, ...env } });
  return stdout;
}

test('the Node client of the README', async () => {
  expect(await run(process.execPath, ['-e', block('README.md', 'js')])).toMatch(/^polyp \d+ \d+\n$/);
});

inPython('the Python client, with stubs made as its page says', async () => {
  const stubs = join(folder, 'stubs');
  mkdirSync(stubs);
  const [make] = [...readFileSync(join(ROOT, 'docs/operations.md'), 'utf8').matchAll(/^python3 -m grpc_tools.*$/gm)];
  const paths = { PYTHONPATH: `${packages}:${stubs}` };
  await run('bash', ['-c', make![0].replaceAll('=.', `=${stubs}`)], paths);
  expect(await run('python3', ['-c', block('docs/operations.md', 'python')], paths)).toMatch(/^\d+ \d+ \d+\n$/);
});
