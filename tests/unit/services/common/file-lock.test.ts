// The lock between real processes: who dies, however, lets go of it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { tryLock } from '../../../../services/common/file-lock';
import { temporaryFolder } from '../../../support/data';

const path = join(temporaryFolder(), 'job', '.lock');
const root = join(__dirname, '../../../..');

/** A process that takes the lock and keeps it. */
async function holder(): Promise<ChildProcess> {
  const code = `
    const { tryLock } = require(${JSON.stringify(join(root, 'services/common/file-lock.ts'))});
    const lock = tryLock(${JSON.stringify(path)});
    process.send(lock !== undefined);
    setInterval(() => lock, 1000);`;
  const register = join(root, 'tests/support/stack-register.cjs');
  const child = spawn(process.execPath, ['-r', register, '-e', code], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  expect((await once(child, 'message'))[0]).toBe(true);
  return child;
}

test('a lock is free, taken while its holder lives, and free when that was killed', async () => {
  const child = await holder();
  expect(tryLock(path)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = tryLock(path);
  expect(lock).toBeDefined();
  lock?.release();
  const again = tryLock(path);
  expect(again).toBeDefined();
  again?.release();
});

test('a lock stays taken while its holder stands still', async () => {
  const child = await holder();
  child.kill('SIGSTOP');
  expect(tryLock(path)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('locks of different folders have nothing to do with each other', () => {
  const [one, two] = [tryLock(`${path}-1`), tryLock(`${path}-2`)];
  expect([one, two]).not.toContain(undefined);
  one?.release();
  two?.release();
});
