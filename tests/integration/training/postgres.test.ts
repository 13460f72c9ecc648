// Two training services on one PostgreSQL: one leads, the other waits and takes over when the leader is killed.

import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { trainingJobClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { startPostgres, type PostgresServer } from '../../support/postgres';
import { startProgram, type Program } from '../../support/stack';
import { createJob, microSpec, microStore, watchToEnd, writeDiscs } from '../../support/training-service';

jest.setTimeout(300_000);

const JOBS = 3;
const TAKE_OVER_MS = 15_000;
const root = temporaryFolder();
const home = join(root, 'home');
let server: PostgresServer | undefined;

beforeAll(async () => {
  server = startPostgres();
  if (!server) process.stderr.write('PostgreSQL is not installed (/usr/lib/postgresql): nothing is tested here\n');
  await microStore(home);
});

afterAll(async () => server?.stop());

test('exactly one leads; the other takes over after a kill -9, and every job ends once', async () => {
  if (!server) return;
  const url = server.url('training');
  const start = (more: Record<string, string> = {}): Promise<Program> =>
    startProgram(
      'training',
      { AUTOMED_HOME: home, AUTOMED_TRAINING_DATABASE_URL: url, AUTOMED_TRAINING_THREADS: '1', ...more },
      undefined,
      240_000,
    );
  const leader = await start();
  await expect(start()).rejects.toThrow('another training service works on this store');
  const standby = start({ AUTOMED_TRAINING_STANDBY: 'true' });
  const client = trainingJobClient(leader.address);
  const data = writeDiscs(join(root, 'discs'), 4);
  const ids: string[] = [];
  for (let seed = 0; seed < JOBS; seed += 1) {
    ids.push((await createJob(client, microSpec(data, { name: `disc-${seed}`, seed }), `request-${seed}`)).id);
  }
  await watchToEnd(client, ids[0]!);
  client.close();
  await leader.stop('SIGKILL');
  const killed = Date.now();
  const next = await standby;
  const led = next.lines.find(({ event }) => event === 'leads');
  expect(new Date(led?.['time'] as string).getTime() - killed).toBeLessThan(TAKE_OVER_MS);

  const successor = trainingJobClient(next.address);
  for (const id of ids) await watchToEnd(successor, id);
  const { jobs } = await successor.unary('ListTrainingJobs', { pageSize: 100 });
  successor.close();
  expect(jobs.map(({ state }) => state)).toEqual(Array<string>(JOBS).fill('TRAINING_JOB_STATE_SUCCEEDED'));
  const models = await (await ModelStore.open(home)).listModels();
  expect(models.map(({ manifest }) => manifest.training.job).sort()).toEqual([...ids].sort());
  expect(server.psql('training', 'SELECT count(*) FROM jobs').trim()).toBe(String(JOBS));

  // A leader whose connection the server ends can no longer write, and goes.
  const gone = new Promise((resolve) => next.child.once('exit', resolve));
  server.psql('training', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
  expect(await gone).toBe(1);
});
