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

test('the Node client of the README', async () => {
  const [[, code = ''] = [], ...others] = readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(
    /^```js\n([^]*?)^```$/gm,
  );
  expect(others).toEqual([]);
  expect(await sandbox.run(`node - <<'END'\n${code}END`)).toEqual({
    code: 0,
    output: expect.stringMatching(/^polyp \d+ \d+\n$/),
  });
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

inPython('the Python client, with stubs made as its page says', async () => {
  expect(await example('python3 client.py')).toEqual({ code: 0, output: expect.stringMatching(ANSWER) });
});
