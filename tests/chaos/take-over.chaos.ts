// Two training services on one store: one leads, the other waits; the leader is killed, again and again, while jobs run.
// AUTOMED_CHAOS_KILLS draws another number of kills.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TrainingJob__Output } from '../../proto/gen/automed/training/v1/TrainingJob';
import { AutomedError } from '../../services/common/errors';
import { ModelStore } from '../../services/store';
import { trainingJobClient } from '../support/api-clients';
import { temporaryFolder } from '../support/data';
import { healthClient } from '../support/health';
import { startPostgres } from '../support/postgres';
import { startProgram, type Program } from '../support/stack';
import { createJob, microSpec, microStore, writeDiscs } from '../support/training-service';

const root = temporaryFolder();
const kills = Number(process.env['AUTOMED_CHAOS_KILLS'] ?? 4);
const JOBS = 12;
const TAKE_OVER_MS = 15_000;
const WAITS_AT_MOST_MS = 1_200_000;

const postgres = startPostgres();
if (!postgres) process.stderr.write('PostgreSQL is not installed (/usr/lib/postgresql): taken over is SQLite alone\n');
afterAll(async () => postgres?.stop());
const DATABASES: [string, Record<string, string>][] = [['SQLite', {}]];
if (postgres) DATABASES.push(['PostgreSQL', { AUTOMED_TRAINING_DATABASE_URL: postgres.url('training') }]);

test.each(DATABASES)(
  'on %s the other one takes over within 15 s of a kill -9; every job ends once',
  async (kind, database) => {
    const home = join(root, kind);
    const data = writeDiscs(join(root, 'discs'), 4);
    await microStore(home);
    const probes = `unix:${join(root, `${kind}.sock`)}`;
    const start = (changes: Record<string, string> = {}): Promise<Program> =>
      startProgram(
        'training',
        {
          AUTOMED_HOME: home,
          AUTOMED_TRAINING_THREADS: '1',
          AUTOMED_TRAINING_CONCURRENCY: '2',
          AUTOMED_LOG_LEVEL: 'warn',
          ...database,
          ...changes,
        },
        undefined,
        WAITS_AT_MOST_MS,
      );
    let leader = await start();
    await expect(start()).rejects.toThrow('another training service works on this store');
    let standby = start({ AUTOMED_TRAINING_STANDBY: 'true', AUTOMED_HEALTH_ADDRESS: probes });
    await expectWaiting(probes);

    const client = trainingJobClient(leader.address);
    for (let seed = 0; seed < JOBS; seed += 1)
      await createJob(client, microSpec(data, { name: `disc-${seed}`, seed }), `request-${seed}`);
    client.close();

    const times: number[] = [];
    for (let round = 1; round <= kills; round += 1) {
      while ((await endedAt(leader)) < (round * JOBS) / (kills + 2)) await sleep(100);
      const killed = performance.now();
      await leader.stop('SIGKILL');
      leader = await standby;
      times.push(performance.now() - killed);
      standby = start({ AUTOMED_TRAINING_STANDBY: 'true' });
    }
    while ((await endedAt(leader)) < JOBS) await sleep(200);

    const jobs = await list(leader);
    expect(jobs.map(({ state }) => state)).toEqual(Array<string>(JOBS).fill('TRAINING_JOB_STATE_SUCCEEDED'));
    const models = await (await ModelStore.open(home)).listModels();
    expect(models.map(({ manifest }) => manifest.training.job).sort()).toEqual(jobs.map(({ id }) => id).sort());
    process.stderr.write(`${kind}: took over after ${times.map((ms) => Math.round(ms)).join(', ')} ms\n`);
    expect(Math.max(...times)).toBeLessThan(TAKE_OVER_MS);
    await leader.stop();
    await (await standby).stop();
  },
);

/** Alive and not ready, as a probe sees it. */
async function expectWaiting(address: string): Promise<void> {
  const { check, close } = healthClient(address);
  while ((await check('liveness')) !== 'SERVING') await sleep(50);
  expect(await check('')).toBe('NOT_SERVING');
  close();
}

async function list({ address }: Program): Promise<TrainingJob__Output[]> {
  const client = trainingJobClient(address);
  try {
    return (await client.unary('ListTrainingJobs', { pageSize: 100 })).jobs;
  } catch (error) {
    if (error instanceof AutomedError) return [];
    throw error;
  } finally {
    client.close();
  }
}

async function endedAt(program: Program): Promise<number> {
  return (await list(program)).filter(({ state }) => state === 'TRAINING_JOB_STATE_SUCCEEDED').length;
}
