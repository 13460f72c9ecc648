// The short form of tests/chaos: a run that is killed a few times, a service that is stopped and started again.

import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';
import { compareUnderTorment } from '../../support/tormented-run';
import {
  createJob,
  getJob,
  microSpec,
  statesOf,
  watchToEnd,
  type TrainingClient,
} from '../../support/training-service';
import { trainingJobClient } from '../../support/api-clients';

/** Draws a worker, a service and both. */
const SEED = 2;

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');

test('a run whose worker and service are killed equals the one that is left in peace, bit for bit', async () => {
  const { peaceful, tormented, victims } = await compareUnderTorment(root, {
    kills: 3,
    epochs: 12,
    mostEvents: 6,
    seed: SEED,
  });
  expect(victims).toHaveLength(3);
  expect([...victims].sort()).toEqual(['both', 'service', 'worker']);
  expect([peaceful.state, tormented.state]).toEqual(Array(2).fill('TRAINING_JOB_STATE_SUCCEEDED'));
  expect(tormented.sha256).toBe(peaceful.sha256);
  expect(tormented.curve).toEqual(peaceful.curve);
  expect(tormented.sequences).toEqual(tormented.sequences.map((_, index) => index + 1));
  expect(tormented.versions).toBe(1);
  expect(peaceful.states).toEqual(['PENDING', 'RUNNING', 'SUCCEEDED']);
  expect(tormented.states).toContain('RESUMING');
});

describe('a service', () => {
  const environment = { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' };
  let service: Program;
  let client: TrainingClient;
  const begin = async (more: Record<string, string> = {}): Promise<void> => {
    service = await startProgram('training', { ...environment, ...more });
    client = trainingJobClient(service.address);
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const code = await service.stop(signal);
    client.close();
    return code;
  };
  const hasWorker = (id: string) => () =>
    service.lines.some((line) => line['event'] === 'worker-started' && line['job'] === id);

  it('that is asked to stop lets its worker stop, and its next life goes on with the job', async () => {
    await begin();
    const { id } = await createJob(client, microSpec(data, { name: 'stopped', overrides: { epochs: 8 } }));
    let ended: Promise<number | null> | undefined;
    const watching = watchToEnd(client, id, ({ epoch }) => {
      if (epoch?.metrics?.epoch === 2) ended = end('SIGTERM');
    });
    await expect(watching).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: expect.stringMatching(/shutting down/),
    });
    expect(await ended).toBe(0);
    await begin();
    const events = await watchToEnd(client, id);
    expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'RESUMING', 'RUNNING', 'SUCCEEDED']);
    expect(events.flatMap(({ start }) => (start ? [start.firstEpoch] : []))[1]).toBeGreaterThan(2);
    await end('SIGTERM');
  });

  it('that was killed while a job was being cancelled finds out how it ended', async () => {
    await begin();
    const long = { overrides: { epochs: 1000 } };
    const { id } = await createJob(client, microSpec(data, { name: 'cancelled', ...long }));
    await eventually(hasWorker(id));
    const asked = client.unary('CancelTrainingJob', { id });
    expect((await asked).job?.state).toBe('TRAINING_JOB_STATE_CANCELLING');
    await end('SIGKILL');
    await begin();
    expect(statesOf(await watchToEnd(client, id))).toEqual(['PENDING', 'RUNNING', 'CANCELLING', 'CANCELLED']);
    await end('SIGTERM');
  });

  it('gives up on a job whose worker dies again and again without getting further, and runs the next one', async () => {
    await begin({ AUTOMED_TRAINING_RETRY_DELAY_MS: '0', AUTOMED_TRAINING_MAX_ATTEMPTS: '2' });
    const { id } = await createJob(client, microSpec(data, { name: 'doomed', overrides: { epochs: 1000 } }));
    const killed = new Set<number>();
    while ((await getJob(client, id)).state !== 'TRAINING_JOB_STATE_FAILED') {
      for (const line of service.lines.filter((each) => each['event'] === 'worker-started')) {
        const pid = Number(line['workerPid']);
        if (!killed.has(pid)) process.kill(pid, 'SIGKILL');
        killed.add(pid);
      }
    }
    expect(killed.size).toBe(2);
    expect((await getJob(client, id)).error).toMatchObject({
      message: expect.stringMatching(/was ended by SIGKILL.* attempt 2 in a row that got no further/),
    });
    const next = await createJob(client, microSpec(data, { name: 'next' }));
    expect(statesOf(await watchToEnd(client, next.id)).at(-1)).toBe('SUCCEEDED');
    await end('SIGTERM');
  });
});
