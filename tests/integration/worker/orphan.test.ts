// Programs whose parent is ended by SIGKILL, which leaves it no time to tell them.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { launchWorker } from '../../../services/worker/launch/launch-worker';
import type { WorkerCommand } from '../../../services/worker/protocol/protocol';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';

jest.setTimeout(240_000);

const ROOT = join(__dirname, '../../..');
const REGISTER = join(ROOT, 'tests/support/stack-register.cjs');
/** What an orphan may take to end, with what a busy machine adds. */
const END_MS = 60_000;
const root = temporaryFolder();

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A parent that runs the code, and the lines that it prints. */
function parentOf(code: string): { parent: ChildProcess; line: () => Promise<string> } {
  const parent = spawn(process.execPath, ['-r', REGISTER, '-e', code], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  return { parent, line: async () => String((await lines.next()).value) };
}

async function kill(parent: ChildProcess): Promise<void> {
  parent.kill('SIGKILL');
  await once(parent, 'exit');
}

test('a worker in the middle of a training stops', async () => {
  const store = join(root, 'home');
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 10, testCount: 0 });
  await launchWorker({ type: 'createBase', spec: { store, name: 'tiny', arch: 'tiny' } }, { env: process.env });
  const command: WorkerCommand = {
    type: 'train',
    spec: {
      task: 'segmentation',
      name: 'orphan',
      data: join(segmentation, 'train'),
      store,
      base: 'tiny',
      threads: 1,
      jobFolder: join(root, 'job'),
      overrides: { epochs: 1000, batchSize: 4 },
    },
  };
  const { parent, line } = parentOf(`
    require('./services/worker/launch/launch-worker.ts').launchWorker(${JSON.stringify(command)}, {
      env: process.env,
      onStart: (pid) => console.log(pid),
      onEvent: ({ type }) => type === 'step' && console.log(type),
    });`);
  const pid = Number(await line());
  expect(await line()).toBe('step');
  await kill(parent);
  await eventually(() => !alive(pid), END_MS);
});

test.each([0, 100, 500])('a service ends whose parent is gone %d ms after it started it', async (delayMs) => {
  const { parent, line } = parentOf(`
    const child = require('node:child_process').fork('./services/gateway/main.ts', [], {
      execArgv: ['-r', ${JSON.stringify(REGISTER)}],
      env: { ...process.env, AUTOMED_ADDRESS: '127.0.0.1:0', AUTOMED_METRICS_ADDRESS: 'off' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    setTimeout(() => console.log(child.pid), ${delayMs});`);
  const pid = Number(await line());
  expect(alive(pid)).toBe(true);
  await kill(parent);
  await eventually(() => !alive(pid), END_MS);
});
