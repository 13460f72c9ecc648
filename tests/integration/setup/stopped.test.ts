// Set-up that is stopped in the middle of a build: compilers run below cmake, which runs below set-up.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../../support/grpc';

const TOOLS = join(__dirname, '../../../native/setup/tools.mjs');

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s ends what set-up started, and what that started', async (signal, code) => {
  const build = `sh -c 'echo $PPID $$; exec sleep 600'; true`;
  const one = `run('sh', ['-c', ${JSON.stringify(build)}])`;
  const script = `import { run } from ${JSON.stringify(TOOLS)}; await Promise.all([${one}, ${one}]);`;
  const setup = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines = createInterface({ input: setup.stderr })[Symbol.asyncIterator]();
  const two = [await lines.next(), await lines.next()].map(({ value }) => value as string);
  const pids = two.flatMap((line) => line.split(' ').map(Number));
  expect(pids.every(alive)).toBe(true);
  setup.kill(signal);
  expect(await once(setup, 'exit')).toEqual([code, null]);
  await eventually(() => !pids.some(alive));
});
