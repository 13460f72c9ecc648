// What the machine does to a job: it fails with a sentence that names the cause, and the service goes on.

import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { mount, remount, unmount, whyNoMount } from '../../support/tmpfs';
import {
  createJob,
  getJob,
  microSpec,
  microStore,
  statesOf,
  watchToEnd,
  writeDiscs,
  type TrainingClient,
} from '../../support/training-service';
import { trainingJobClient } from '../../support/api-clients';

const root = temporaryFolder();
const data = writeDiscs(join(root, 'discs'), 8);

async function withService(home: string, work: (client: TrainingClient, service: Program) => Promise<void>) {
  const service = await startProgram('training', {
    AUTOMED_HOME: home,
    AUTOMED_TRAINING_THREADS: '1',
    AUTOMED_TRAINING_RETRY_DELAY_MS: '0',
    AUTOMED_TRAINING_MAX_ATTEMPTS: '2',
  });
  const client = trainingJobClient(service.address);
  try {
    await work(client, service);
  } finally {
    client.close();
    expect(await service.stop()).toBe(0);
  }
}

/** Process ids of the workers that a service has started. */
const workersOf = (service: Program): number[] =>
  service.lines.flatMap((line) => (line['event'] === 'worker-started' ? [Number(line['workerPid'])] : []));

async function resumed(client: TrainingClient, id: string): Promise<string | undefined> {
  const { job } = await client.unary('ResumeTrainingJob', { id });
  expect(job?.state).toBe('TRAINING_JOB_STATE_RESUMING');
  const before = await watchFrom(client, id);
  return before.at(-1);
}

async function watchFrom(client: TrainingClient, id: string): Promise<string[]> {
  return statesOf(await watchToEnd(client, id));
}

const cannotMount = whyNoMount();
if (cannotMount !== undefined) {
  process.stderr.write(`the tests of full and read-only disks are skipped: ${cannotMount}\n`);
}
const onMounts = cannotMount === undefined ? test : test.skip;

onMounts('a full disk fails the job, which goes on once there is room', async () => {
  const home = join(root, 'full');
  mount(home, 'size=6m');
  try {
    await microStore(home);
    await withService(home, async (client) => {
      const { id } = await createJob(client, microSpec(data, { overrides: { epochs: 2 } }));
      expect((await watchFrom(client, id)).at(-1)).toBe('FAILED');
      expect((await getJob(client, id)).error).toMatchObject({
        reason: 'STORAGE_FULL',
        message: expect.stringMatching(/disk is full/),
      });
      remount(home, 'size=64m');
      expect(await resumed(client, id)).toBe('SUCCEEDED');
    });
  } finally {
    unmount(home);
  }
});

onMounts('a store that cannot be written fails the job, and says so', async () => {
  const home = join(root, 'read-only');
  await microStore(home);
  await withService(home, async (client) => {
    mount(join(home, 'models'), 'ro,size=64k');
    try {
      const { id } = await createJob(client, microSpec(data));
      expect((await watchFrom(client, id)).at(-1)).toBe('FAILED');
      expect((await getJob(client, id)).error).toMatchObject({ message: expect.stringMatching(/read-only/) });
      unmount(join(home, 'models'));
      expect(await resumed(client, id)).toBe('SUCCEEDED');
    } finally {
      unmount(join(home, 'models'));
    }
  });
});

describe('on an ordinary disk', () => {
  const home = join(root, 'home');
  beforeAll(() => microStore(home));

  test('data that vanishes under a job fails it by name, and the next job runs', async () => {
    const vanishing = writeDiscs(join(root, 'vanishing'), 8);
    await withService(home, async (client, service) => {
      const { id } = await createJob(client, microSpec(vanishing, { overrides: { epochs: 1000 } }));
      const events = await watchToEnd(client, id, ({ epoch }) => {
        if (epoch?.metrics?.epoch !== 1) return;
        renameSync(vanishing, `${vanishing}-gone`);
        process.kill(workersOf(service)[0] ?? 0, 'SIGKILL');
      });
      expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'RESUMING', 'RUNNING', 'FAILED']);
      const { error } = await getJob(client, id);
      expect(error).toMatchObject({ field: 'data', message: expect.stringContaining('vanishing') });
      const next = await createJob(client, microSpec(data, { name: 'next' }));
      expect((await watchFrom(client, next.id)).at(-1)).toBe('SUCCEEDED');
    });
  });

  test('a worker that runs out of memory fails its job, and says so', async () => {
    await withService(home, async (client, service) => {
      const { id } = await createJob(client, microSpec(data, { name: 'starved', overrides: { epochs: 1000 } }));
      const starved = new Set<number>();
      const watching = watchToEnd(client, id, ({ start }) => {
        if (!start) return;
        // What it has now is all that it gets: the kernel refuses every further page.
        const worker = workersOf(service).at(-1) ?? 0;
        starved.add(worker);
        spawnSync('prlimit', ['--pid', String(worker), '--as=1048576']);
      });
      expect(statesOf(await watching).at(-1)).toBe('FAILED');
      expect(starved.size).toBeGreaterThan(0);
      const { error } = await getJob(client, id);
      expect(error).toMatchObject({ reason: 'OUT_OF_MEMORY', message: expect.stringMatching(/memory/) });
      const next = await createJob(client, microSpec(data, { name: 'fed' }));
      expect((await watchFrom(client, next.id)).at(-1)).toBe('SUCCEEDED');
    });
  });
});
