// Files that come over a stream, and what is left of them.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearReceivedFiles, withReceivedFiles } from '../../../../services/common/received-files';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'automed-received-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const MIB = 1024 ** 2;
const texts = (paths: readonly string[]) => Promise.resolve(paths.map((path) => readFileSync(path, 'utf8')));

async function* parts(...files: (string | Buffer)[][]) {
  for (const file of files) {
    for (const [at, data] of file.entries()) yield { data: Buffer.from(data), endsFile: at === file.length - 1 };
  }
}

it('are there while they are worked on, and gone then', async () => {
  const got = await withReceivedFiles(home, parts(['a', 'b'], ['c']), { hasRoom: () => true }, texts);
  expect(got).toEqual(['ab', 'c']);
  expect(readdirSync(join(home, 'verify'))).toEqual([]);
});

it('end where the first is too long, and where room ends within one', async () => {
  const long = withReceivedFiles(home, parts(['abc', 'def']), { hasRoom: () => true, maxFirst: 5 }, texts);
  await expect(long).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  let looks = 0;
  const hasRoom = (): boolean => (looks += 1) <= 2;
  const pieces = Array.from({ length: 64 }, () => Buffer.alloc(MIB));
  await expect(withReceivedFiles(home, parts(['a'], pieces), { hasRoom }, texts)).rejects.toMatchObject({
    code: 'QUEUE_FULL',
  });
  expect(readdirSync(join(home, 'verify'))).toEqual([]);
});

it('are deleted at the next start when the process was killed', async () => {
  mkdirSync(join(home, 'verify', 'x'), { recursive: true });
  writeFileSync(join(home, 'verify', 'x', '0.dcm'), 'left');
  await clearReceivedFiles(home);
  expect(existsSync(join(home, 'verify'))).toBe(false);
  await clearReceivedFiles(home);
});
