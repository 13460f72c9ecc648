// The image of gateway and bridge holds what these load and no more, so it is tried without an image: as a folder elsewhere.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

jest.setTimeout(300_000);

const folder = mkdtempSync(join(tmpdir(), 'automed-assembled-'));
const tree = join(folder, 'image');

beforeAll(() => {
  const script = join(__dirname, '..', '..', 'deploy', 'docker', 'assemble.mjs');
  execFileSync(process.execPath, [script, 'gateway', tree]);
  writeFileSync(join(folder, 'pacs.yaml'), 'ae_title: AUTOMED\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Files of the image below a folder, with that folder's path. */
const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

test.each(['gateway', 'pacs'])('%s starts from it', async (program) => {
  const running = spawn(process.execPath, [join(tree, 'dist', 'services', program, 'main.js')], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      AUTOMED_ADDRESS: '127.0.0.1:0',
      AUTOMED_METRICS_ADDRESS: '127.0.0.1:0',
      AUTOMED_PACS_SITE: join(folder, 'pacs.yaml'),
      AUTOMED_PACS_HOME: join(folder, 'pacs'),
      AUTOMED_PACS_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(running, 'exit');
  const events: string[] = [];
  for await (const line of createInterface(running.stdout)) {
    events.push((JSON.parse(line) as { event: string }).event);
    if (events.at(-1) === 'listening') running.kill('SIGTERM');
  }
  expect(events).toContain('listening');
  expect(await ended).toEqual([0, null]);
});

test('threads of what it holds are in it, and their packages', async () => {
  const compiled = filesBelow(join(tree, 'dist', 'services'));
  const threads = compiled.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/compiledThread\)?\('([^']+)'/g)].map(([, entry = '']) => entry),
  );
  expect(threads).toEqual(
    expect.arrayContaining(['imaging/pixel-thread.js', 'dicom-results/threads/result-thread.js']),
  );
  for (const entry of threads) {
    expect({ entry, there: existsSync(join(tree, 'dist', 'services', entry)) }).toEqual({ entry, there: true });
  }
  const code = `require('./dist/services/imaging/pixel-pool.js').pixelPool.rle(new Uint8Array([0, 1, 1, 0]), 2, 2).then(console.log)`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code], { cwd: tree });
  expect(stdout.trim()).not.toBe('');
});

test('it holds nothing of LibTorch and no sources of a package', () => {
  const unwanted = /libtorch|automed[.]node|better-sqlite3[/](deps|src)[/]/;
  expect(filesBelow(tree).filter((file) => unwanted.test(file))).toEqual([]);
});
