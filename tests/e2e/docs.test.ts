// The clients of the documentation, run as their pages say against a real server. `npm run docs:check` runs every marked block.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf } from '../docs/blocks';
import { Sandbox } from '../docs/sandbox';
import { temporaryFolder } from '../support/data';
import { pipInstall } from '../support/python';

const ROOT = join(__dirname, '..', '..');
const packages = join(temporaryFolder(), 'python');
const missing = pipInstall(['grpcio', 'protobuf', 'grpcio-tools', 'setuptools'], packages, 110_000);

const inPython = missing === undefined ? test : test.skip;
if (missing !== undefined) process.stderr.write(`skipped: Python's gRPC cannot be installed (${missing})\n`);

const ANSWER = /^polyp@1, \d+ ms\npolyp \d+\n$/;
const page = readFileSync(join(ROOT, 'docs/examples/README.md'), 'utf8');
const examples = blocksOf('docs/examples/README.md', page);

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await Sandbox.make(ROOT, { PYTHONPATH: packages });
  await sandbox.addModels();
  await sandbox.serve(ROOT);
});

afterAll(() => sandbox.close());

/** Runs the only example with these words in it. */
async function example(words: string): Promise<unknown> {
  const found = examples.filter(({ text }) => text.includes(words));
  expect(found).toHaveLength(1);
  return sandbox.run(found[0]!.text);
}

/** The JavaScript of a page. */
function modulesOf(path: string): string[] {
  const blocks = readFileSync(join(ROOT, path), 'utf8').matchAll(/^```js\n([^]*?)^```$/gm);
  return [...blocks].map(([, code = '']) => code);
}

const runModule = (code: string): Promise<unknown> => sandbox.run(`node --input-type=module - <<'END'\n${code}END`);
const printing = (output: RegExp) => ({ code: 0, output: expect.stringMatching(output) });

test('the Node client of the README', async () => {
  const [code = '', ...others] = modulesOf('README.md');
  expect(others).toEqual([]);
  expect(await runModule(code)).toEqual(printing(/^polyp \d+ \d+\n$/));
});

test('the programs of the page on the client library', async () => {
  const [calls = '', errors = '', prompts = '', streams = '', ...others] = modulesOf('docs/client.md');
  expect(others).toEqual([]);
  expect(await runModule(calls)).toEqual(printing(/^\d+ polyp@1\n$/));
  expect(await runModule(errors)).toEqual(printing(/^UNSUPPORTED_IMAGE image\n$/));
  expect(await runModule(prompts)).toEqual(printing(/^40 [\d.-]+\n50 [\d.-]+\n60 [\d.-]+\n$/));
  expect(await runModule(streams)).toEqual(printing(/^0 \d+\n1 UNSUPPORTED_IMAGE\n$/));
});

test('the TypeScript client, with types made as its page says', async () => {
  expect(await example('node client.js')).toEqual({ code: 0, output: expect.stringMatching(ANSWER) });
});

test('the TypeScript client names the error of a call that fails', async () => {
  expect(await sandbox.run('node client.js image.png nobody')).toEqual({
    code: 1,
    output: expect.stringMatching(/^NOT_FOUND: .*nobody/),
  });
});

test('the shell session, over reflection', async () => {
  const answer = await example('npx buf curl');
  expect(answer).toMatchObject({
    code: 0,
    output: expect.stringContaining('automed.segmentation.v1.SegmentationService'),
  });
  expect(answer).toMatchObject({ output: expect.stringMatching(/"structure": *"polyp"/) });
});

inPython('the Python client, with stubs made as its page says', async () => {
  expect(await example('python3 client.py')).toEqual({ code: 0, output: expect.stringMatching(ANSWER) });
});
