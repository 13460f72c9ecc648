import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from '../../support/stack';

const folder = mkdtempSync(join(tmpdir(), 'automed-stand-by-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a training service that stands by ends of itself when it is told to', async () => {
  const env = { AUTOMED_HOME: join(folder, 'store'), AUTOMED_ADDRESS: '127.0.0.1:0', AUTOMED_METRICS_ADDRESS: 'off' };
  const leader = await startProgram('training', env);
  const main = join(__dirname, '../../../dist/services/training/main.js');
  const other = spawn(process.execPath, [main], {
    env: { ...process.env, ...env, AUTOMED_TRAINING_STANDBY: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(other, 'exit');
  let text = '';
  for await (const chunk of other.stdout) {
    text += String(chunk);
    if (text.includes('"standby"')) other.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
  expect(await leader.stop()).toBe(0);
});
