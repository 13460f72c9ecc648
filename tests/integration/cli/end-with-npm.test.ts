// npm passes signals to nobody: what it started must notice by itself that it is gone.

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { childrenOf, ROOT } from './automed-process';

const folder = temporaryFolder();

/** All that a process started, directly or not. */
function descendantsOf(parent: number): number[] {
  return childrenOf(parent).flatMap(({ pid }) => [pid, ...descendantsOf(pid)]);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each(['SIGTERM', 'SIGKILL'] as const)('automed serve drains and ends when npx gets %s', async (signal) => {
  const home = join(folder, signal);
  mkdirSync(home);
  const args = ['automed', 'serve', '--port', '0', '--no-metrics', '--quiet', '--roles', 'training', '--home', home];
  const npx = spawn('npx', args, { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  const says = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (out.includes(text) && resolve());
      npx.stdout.on('data', look);
      look();
    });
  npx.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await says('listening on');
  const started = descendantsOf(npx.pid!);
  expect(started.length).toBeGreaterThanOrEqual(3);
  const closed = new Promise((resolve) => npx.stdout.once('close', resolve));
  npx.kill(signal);
  // Closed once nobody holds its end: the last of them is gone.
  await closed;
  expect(out).toContain('stopped');
  while (started.some(alive)) await new Promise((resolve) => setTimeout(resolve, 50));
});
