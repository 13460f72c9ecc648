// The training service as a process with real clients and real workers.

import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';
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
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let client: TrainingClient;

const LONG = { overrides: { epochs: 1000 } };

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  client = trainingJobClient(service.address);
});

afterAll(async () => {
  client.close();
  expect(await service.stop()).toBe(0);
});

test('a job runs to a registered model, and its watcher sees every event once', async () => {
  const job = await createJob(client, microSpec(data, { overrides: { epochs: 2 } }));
  expect(job).toMatchObject({ name: 'disc', spec: { recipe: 'default', threshold: 0.5, seed: '3' } });
  const events = await watchToEnd(client, job.id);
  expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, index) => index + 1));
  expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'SUCCEEDED']);
  expect(events.flatMap(({ epoch }) => (epoch ? [epoch.metrics?.epoch] : []))).toEqual([1, 2]);
  const ended = await getJob(client, job.id);
  expect(ended).toMatchObject({
    state: 'TRAINING_JOB_STATE_SUCCEEDED',
    attemptCount: 1,
    error: null,
    result: { model: 'disc@1', report: 'models/disc/1/report' },
    progress: { epoch: 2, epochCount: 2, progress: 1, latest: { epoch: 2 } },
  });
  expect(ended.result?.metrics['validation.mdsc']).toBeGreaterThanOrEqual(0);
  const { manifest } = await (await ModelStore.open(home)).resolveModel('disc@1');
  expect(manifest.training).toMatchObject({ job: job.id });
  await eventually(() => !existsSync(join(home, 'jobs', `job-${job.id}`)));
  const late = await watchToEnd(client, job.id, undefined, events.length - 1);
  expect(late).toEqual(events.slice(-2));
});

test('after each epoch a watcher sees the same validation images, also late, until the job is deleted', async () => {
  const spec = microSpec(data, { name: 'shown', reportImages: true, overrides: { epochs: 2 } });
  const job = await createJob(client, spec);
  const events = await watchToEnd(client, job.id);
  expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, index) => index + 1));
  const previews = events.flatMap(({ preview }) => preview ?? []);
  expect(previews.map(({ epoch }) => epoch)).toEqual([1, 2]);
  const [first, second] = previews;
  expect(first!.pictures.map(({ name }) => name)).toEqual(second!.pictures.map(({ name }) => name));
  for (const { png, pictures } of previews) {
    expect(pictures).toHaveLength(2);
    expect(pictures[0]).toMatchObject({ caption: expect.stringMatching(/^Dice [01]\.\d{3}, IoU [01]\.\d{3}$/) });
    const { width, height, format } = await sharp(png).metadata();
    // Two pictures side by side, each with name and scores beneath, and the legend above.
    expect([format, width, height]).toEqual(['png', 2 * 256 + 3 * 8, 16 + 8 + 8 + 256 + 2 * 16 + 4 + 8]);
  }
  // The truth in blue or green, whatever the model draws: not the plain grey image.
  const { channels } = await sharp(first!.png).stats();
  expect(new Set(channels.map(({ mean }) => Math.round(mean * 10))).size).toBeGreaterThan(1);
  expect(await watchToEnd(client, job.id)).toEqual(events);
  const folder = join(home, 'previews', job.id);
  expect(readdirSync(folder).sort()).toEqual(['epoch-1.png', 'epoch-2.png']);
  await client.unary('DeleteTrainingJob', { id: job.id });
  expect(existsSync(folder)).toBe(false);
});

test('a job that may show no pictures has no previews, and learns the same', async () => {
  const job = await createJob(client, microSpec(data, { name: 'hidden', overrides: { epochs: 2 } }));
  const events = await watchToEnd(client, job.id);
  expect(events.some(({ preview }) => preview)).toBe(false);
  expect(existsSync(join(home, 'previews', job.id))).toBe(false);
  const store = await ModelStore.open(home);
  const [hidden, shown] = await Promise.all(['hidden@1', 'shown@1'].map((name) => store.resolveModel(name)));
  expect(hidden?.manifest.weights).toEqual(shown?.manifest.weights);
});

test('a repeated request answers the same job, and another one under its id is refused', async () => {
  const job = await createJob(client, microSpec(data), 'once');
  expect((await createJob(client, microSpec(data), 'once')).id).toBe(job.id);
  await expect(createJob(client, microSpec(data, { seed: 4 }), 'once')).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'request_id',
  });
  await watchToEnd(client, job.id);
});

test('a job names the versions that it stands on, and a repeated request those that it meant first', async () => {
  const store = await ModelStore.open(home);
  await store.setAlias('disc', 'best', 1);
  const spec = microSpec(data, { base: 'micro', startFrom: 'disc@best' });
  const job = await createJob(client, spec, 'pinned');
  expect(job.spec).toMatchObject({ base: 'micro@1', startFrom: 'disc@1' });
  await watchToEnd(client, job.id);
  await microStore(home); // micro@2
  expect(await createJob(client, spec, 'pinned')).toMatchObject({ id: job.id, spec: { base: 'micro@1' } });
  for (const other of [{ base: 'micro@2' }, { base: 'micr' }, { startFrom: 'other@best' }]) {
    await expect(createJob(client, { ...spec, ...other }, 'pinned')).rejects.toMatchObject({ field: 'request_id' });
  }
  await store.deleteBase('micro', 2);
});

test('a job that waits is cancelled at once, one that runs after its next step', async () => {
  const running = await createJob(client, microSpec(data, LONG));
  const waiting = await createJob(client, microSpec(data));
  const behind = await createJob(client, microSpec(data));
  await eventually(async () => (await getJob(client, running.id)).state === 'TRAINING_JOB_STATE_RUNNING');
  const held = `Waits for a worker: 1 of 1 at work on disc (${running.id})`;
  expect((await getJob(client, waiting.id)).stateMessage).toBe(`${held}.`);
  expect((await getJob(client, behind.id)).stateMessage).toBe(`${held}; 1 job before it.`);
  expect((await getJob(client, running.id)).stateMessage).toBe('');
  await client.unary('CancelTrainingJob', { id: behind.id });
  expect((await client.unary('CancelTrainingJob', { id: waiting.id })).job?.state).toBe('TRAINING_JOB_STATE_CANCELLED');
  expect(statesOf(await watchToEnd(client, waiting.id))).toEqual(['PENDING', 'CANCELLED']);
  const asked: Promise<unknown>[] = [];
  const events = await watchToEnd(client, running.id, ({ epoch }) => {
    if (epoch && asked.length === 0) asked.push(client.unary('CancelTrainingJob', { id: running.id }));
  });
  await Promise.all(asked);
  expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'CANCELLING', 'CANCELLED']);
  await eventually(() => !existsSync(join(home, 'jobs', `job-${running.id}`)));
});

test('a paused job keeps its checkpoint and goes on from it', async () => {
  const job = await createJob(client, microSpec(data, { name: 'paused', overrides: { epochs: 8 } }));
  let asked = false;
  const watching = watchToEnd(client, job.id, ({ epoch, stateChange }) => {
    if (epoch && !asked) {
      asked = true;
      void client.unary('PauseTrainingJob', { id: job.id });
    }
    if (stateChange?.state === 'TRAINING_JOB_STATE_PAUSED') void client.unary('ResumeTrainingJob', { id: job.id });
  });
  const events = await watching;
  expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'PAUSING', 'PAUSED', 'RESUMING', 'RUNNING', 'SUCCEEDED']);
  expect(events.flatMap(({ epoch }) => (epoch ? [epoch.metrics?.epoch] : []))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const begun = events.flatMap(({ start }) => (start ? [start.firstEpoch] : []));
  expect(begun).toHaveLength(2);
  expect(begun[1]).toBeGreaterThan(1);
});

test('a job fails with the error of its run, and can be resumed when the cause is gone', async () => {
  const later = join(root, 'later');
  mkdirSync(later);
  const job = await createJob(client, microSpec(later, { name: 'later' }));
  expect(statesOf(await watchToEnd(client, job.id))).toEqual(['PENDING', 'RUNNING', 'FAILED']);
  const failed = await getJob(client, job.id);
  expect(failed).toMatchObject({ result: null, error: { reason: expect.any(String), field: 'data' } });
  writeDiscs(later, 8);
  await client.unary('ResumeTrainingJob', { id: job.id });
  await watchToEnd(client, job.id, undefined, 4);
  expect(await getJob(client, job.id)).toMatchObject({ result: { model: 'later@1' }, error: null });
});

test.each([
  ['a missing name', { name: '' }, 'spec.name'],
  ['a missing task', { task: 'TASK_UNSPECIFIED' as const }, 'spec.task'],
  ['a number out of range', { overrides: { learningRate: -1 } }, 'spec.overrides.learning_rate'],
  ['a name that leads elsewhere', { name: '../../escaped' }, 'spec.name'],
  ['a name of a base that is none', { baseName: 'my base' }, 'spec.base_name'],
  ['data that is not there', { data: '/nope' }, 'spec.data'],
  ['no data', { data: '' }, 'spec.data'],
  ['data that is neither folder nor table', { data: __filename }, 'spec.data'],
  ['an unknown layout', { layout: 'chocolate' }, 'spec.layout'],
  ['an unknown base', { base: 'nobody' }, 'spec.base'],
  ['a base that is made only where its encoder is trained', { base: 'tiny' }, 'spec.base'],
  ['an unknown version of a base', { base: 'micro@9' }, 'spec.base'],
  ['an unknown model to start from', { startFrom: 'nobody@1' }, 'spec.start_from'],
  ['an unknown backbone', { backbone: 'nobody' }, 'spec.backbone'],
  ['an unknown recipe', { recipe: 'chocolate' }, 'recipe'],
  ['a system of the other task', { system: 'medcls' }, 'system'],
])('refuses %s at once', async (_what, changes, field) => {
  const count = async () => (await client.unary('ListTrainingJobs', {})).jobs.length;
  const before = await count();
  await expect(createJob(client, microSpec(data, changes))).rejects.toMatchObject({ field });
  expect(await count()).toBe(before);
});

test('a repeated request answers its job, though the data is gone since', async () => {
  const gone = writeDiscs(join(root, 'gone'), 8);
  const job = await createJob(client, microSpec(gone, { name: 'gone' }), 'gone');
  await watchToEnd(client, job.id);
  rmSync(gone, { recursive: true });
  expect((await createJob(client, microSpec(gone, { name: 'gone' }), 'gone')).id).toBe(job.id);
});

test('lists, and deletes what has ended', async () => {
  const job = await createJob(client, microSpec(data, { name: 'listed', ...LONG }));
  const list = async () => (await client.unary('ListTrainingJobs', { name: 'listed' })).jobs.map(({ id }) => id);
  expect(await list()).toEqual([job.id]);
  await eventually(() => service.lines.some((line) => line['event'] === 'worker-started' && line['job'] === job.id));
  await expect(client.unary('DeleteTrainingJob', { id: job.id })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  await client.unary('CancelTrainingJob', { id: job.id });
  await watchToEnd(client, job.id);
  await client.unary('DeleteTrainingJob', { id: job.id });
  expect(await list()).toEqual([]);
  await expect(getJob(client, job.id)).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'id' });
  expect(readdirSync(join(home, 'jobs')).filter((name) => name.includes(job.id))).toEqual([]);
});

test('the service refuses a second service on the same store', async () => {
  await expect(startProgram('training', { AUTOMED_HOME: home })).rejects.toThrow(/another training service/);
});
