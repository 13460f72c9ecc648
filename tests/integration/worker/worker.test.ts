// The worker as a process of its own, as the command line and the training service start it. Runs the compiled worker.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { launchWorker, type LaunchOptions } from '../../../services/worker/launch/launch-worker';
import type {
  FinishedEvent,
  TrainSpecInput,
  WorkerCommand,
  WorkerEvent,
} from '../../../services/worker/protocol/protocol';
import { temporaryFolder } from '../../support/data';

jest.setTimeout(240_000);

const root = temporaryFolder();
const store = join(root, 'home');
let data: string;

function launch(command: WorkerCommand, options: Partial<LaunchOptions> = {}): Promise<FinishedEvent> {
  return launchWorker(command, { env: process.env, ...options });
}

const spec = (input: Partial<TrainSpecInput> = {}): TrainSpecInput => ({
  task: 'segmentation',
  name: 'lesion',
  data,
  store,
  base: 'tiny',
  threads: 1,
  jobFolder: join(root, 'job'),
  overrides: { epochs: 1, batchSize: 4 },
  ...input,
});

beforeAll(async () => {
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 10, testCount: 0 });
  data = join(segmentation, 'train');
  const created = await launch({ type: 'createBase', spec: { store, name: 'tiny', arch: 'tiny' } });
  expect(created).toMatchObject({ base: 'tiny@1' });
});

describe('the training worker', () => {
  it('trains and reports through its channel', async () => {
    const events: WorkerEvent[] = [];
    const finished = await launch({ type: 'train', spec: spec() }, { onEvent: (event) => events.push(event) });
    expect(finished.model).toBe('lesion@1');
    expect((await (await ModelStore.open(store)).resolveModel('lesion')).manifest.task).toBe('segmentation');
    const types = events.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['preparing', 'started', 'step', 'epoch', 'finished']));
  });

  it('stops when it is asked to', async () => {
    const cancellation = new AbortController();
    const running = launch(
      { type: 'train', spec: spec({ overrides: { epochs: 1000, batchSize: 4 } }) },
      {
        signal: cancellation.signal,
        onEvent: (event) => {
          if (event.type === 'step') cancellation.abort();
        },
      },
    );
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('fails with the error of the run', async () => {
    await expect(launch({ type: 'train', spec: spec({ base: 'absent' }) })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'base',
    });
  });

  it('drops an import that is cancelled, and registers nothing', async () => {
    const file = join(store, 'bases', 'tiny', '1', 'weights.safetensors');
    const cancellation = new AbortController();
    const running = launch(
      { type: 'importBase', spec: { store, name: 'dropped', file, arch: 'tiny' } },
      { signal: cancellation.signal },
    );
    cancellation.abort();
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect((await ModelStore.open(store)).resolveBase('dropped')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('starts from a backbone that exists, and from nothing else besides', async () => {
    await expect(launch({ type: 'train', spec: spec({ backbone: 'absent' }) })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'backbone',
    });
    await expect(
      launch({ type: 'train', spec: spec({ backbone: 'absent', startFrom: 'lesion' }) }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'backbone' });
  });

  it('refuses a malformed specification and names the field', async () => {
    const malformed = spec({ threads: 0 });
    await expect(launch({ type: 'train', spec: malformed })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'threads',
    });
  });

  it('that dies without a word is an error', async () => {
    const workerPath = join(root, 'dies.cjs');
    writeFileSync(workerPath, "process.on('message', () => process.kill(process.pid, 'SIGKILL'));");
    await expect(launch({ type: 'train', spec: spec() }, { workerPath })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/SIGKILL/),
    });
  });
});
