// Many jobs from several clients while the service is killed and started again: what was accepted ends exactly once.
// AUTOMED_CHAOS_SEED draws other moments, AUTOMED_CHAOS_JOBS another number of jobs.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TrainingJob__Output } from '../../proto/gen/automed/training/v1/TrainingJob';
import { AutomedError } from '../../services/common/errors';
import { ModelStore } from '../../services/store';
import { draws, MortalService } from '../support/chaos';
import { temporaryFolder } from '../support/data';
import { startPostgres } from '../support/postgres';
import {
  createJob,
  microSpec,
  microStore,
  statesOf,
  watchToEnd,
  writeDiscs,
  type TrainingClient,
} from '../support/training-service';
import { trainingJobClient } from '../support/api-clients';

const root = temporaryFolder();
const seed = Number(process.env['AUTOMED_CHAOS_SEED'] ?? 1);
const jobs = Number(process.env['AUTOMED_CHAOS_JOBS'] ?? 200);
const CLIENTS = 8;
const RESTARTS = 5;
const FINAL = ['SUCCEEDED', 'FAILED', 'CANCELLED'];

/** Until the service answers; what it refuses for another reason is a failure of the test. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      // A connection that breaks under a call leaves open whether it was heard.
      const broken =
        error instanceof AutomedError && ['SERVICE_UNAVAILABLE', 'INTERNAL', 'CANCELLED'].includes(error.code);
      if (!broken) throw error;
      await sleep(50);
    }
  }
}

async function listAll(client: TrainingClient): Promise<TrainingJob__Output[]> {
  const all: TrainingJob__Output[] = [];
  for (let pageToken = ''; ;) {
    const page = await insist(() => client.unary('ListTrainingJobs', { pageSize: 100, pageToken }));
    all.push(...page.jobs);
    pageToken = page.nextPageToken;
    if (pageToken === '') return all;
  }
}

const endedOf = (all: readonly TrainingJob__Output[]): TrainingJob__Output[] =>
  all.filter(({ state }) => FINAL.includes(state.replace('TRAINING_JOB_STATE_', '')));

const postgres = startPostgres();
if (!postgres) process.stderr.write('PostgreSQL is not installed (/usr/lib/postgresql): jobs are in SQLite alone\n');
afterAll(async () => postgres?.stop());
const DATABASES: [string, Record<string, string>][] = [['SQLite', {}]];
if (postgres) DATABASES.push(['PostgreSQL', { AUTOMED_TRAINING_DATABASE_URL: postgres.url('training') }]);
const title = `on %s ${jobs} jobs from ${CLIENTS} clients end exactly once, though the service is killed ${RESTARTS} times`;

test.each(DATABASES)(title, async (kind, database) => {
  const home = join(root, kind);
  const data = writeDiscs(join(root, 'discs'), 4);
  await microStore(home);
  const random = draws(seed);
  const service = await MortalService.start({
    AUTOMED_HOME: home,
    AUTOMED_TRAINING_THREADS: '1',
    AUTOMED_TRAINING_CONCURRENCY: '2',
    AUTOMED_LOG_LEVEL: 'warn',
    ...database,
  });
  const clients = Array.from({ length: CLIENTS }, () => trainingJobClient(service.address));
  const [first] = clients as [TrainingClient];
  const begun = Date.now();
  const accepted = new Set<string>();
  const creating = clients.map(async (client, number) => {
    for (let count = number; count < jobs; count += CLIENTS) {
      const spec = microSpec(data, { name: `disc-${number}`, seed: count });
      const { id } = await insist(() => createJob(client, spec, `request-${count}`));
      // The answer may get lost, and then callers ask again.
      if (count % 10 === number) expect((await insist(() => createJob(client, spec, `request-${count}`))).id).toBe(id);
      accepted.add(id);
    }
  });
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    // The first one while jobs are still being created, the others while they run.
    if (restart === 0) while (accepted.size < jobs * (0.2 + 0.4 * random())) await sleep(2);
    else while (endedOf(await listAll(first)).length < ((restart + random()) * jobs) / (RESTARTS + 1)) await sleep(200);
    await sleep(random() * 1_000);
    await service.restart('SIGKILL');
  }
  await Promise.all(creating);
  while (endedOf(await listAll(first)).length < jobs) await sleep(500);

  const all = await listAll(first);
  expect(new Set(all.map(({ id }) => id))).toEqual(accepted);
  expect(all).toHaveLength(jobs);
  expect(all.filter(({ state }) => state !== 'TRAINING_JOB_STATE_SUCCEEDED')).toEqual([]);
  for (const { id } of all) {
    const states = statesOf(await watchToEnd(first, id));
    expect([states[0], states.filter((state) => FINAL.includes(state))]).toEqual(['PENDING', [states.at(-1)]]);
  }
  const models = await (await ModelStore.open(home)).listModels();
  expect(models.map(({ manifest }) => manifest.training.job).sort()).toEqual([...accepted].sort());
  process.stderr.write(`${kind}: ${jobs} jobs took ${Math.round((Date.now() - begun) / 1000)} s (seed ${seed})\n`);
  for (const client of clients) client.close();
  await service.stop();
});
