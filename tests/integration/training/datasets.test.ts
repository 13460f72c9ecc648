// Data sets as a resource of the training service: real clients, real workers, real files.

import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataset__Output } from '../../../proto/gen/automed/datasets/v1/Dataset';
import type { DatasetSpec } from '../../../proto/gen/automed/datasets/v1/DatasetSpec';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import {
  createJob,
  getJob,
  microSpec,
  microStore,
  watchToEnd,
  writeDiscs,
  type TrainingClient,
} from '../../support/training-service';
import { writeTree } from '../../support/tree';
import { datasetClient, trainingJobClient } from '../../support/api-clients';

const root = temporaryFolder();
const home = join(root, 'home');
let service: Program;
let client: ReturnType<typeof datasetClient>;
let jobs: TrainingClient;

async function start(): Promise<void> {
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  client = datasetClient(service.address);
  jobs = trainingJobClient(service.address);
}

async function stop(): Promise<void> {
  client.close();
  jobs.close();
  expect(await service.stop()).toBe(0);
}

beforeAll(async () => {
  await microStore(home);
  await start();
});

afterAll(stop);

const discs = (folder: string, count = 8): string => writeDiscs(join(root, folder), count);

async function register(spec: DatasetSpec, requestId = ''): Promise<Dataset__Output> {
  const { dataset } = await client.unary('RegisterDataset', {
    requestId,
    spec: { task: 'TASK_SEGMENTATION', ...spec },
  });
  return dataset!;
}

async function get(dataset: string): Promise<Dataset__Output> {
  return (await client.unary('GetDataset', { dataset })).dataset!;
}

async function validated(dataset: string): Promise<Dataset__Output> {
  await client.unary('ValidateDataset', { dataset });
  for (;;) {
    const now = await get(dataset);
    if (now.state !== 'DATASET_STATE_CHECKING') return now;
    await sleep(50);
  }
}

test('a data set is registered, checked and ready, with what the check measured', async () => {
  const location = discs('sound');
  expect(await register({ name: 'discs', location })).toMatchObject({
    name: 'discs',
    version: 1,
    state: 'DATASET_STATE_REGISTERED',
    fingerprint: '',
    statistics: null,
  });
  const ready = await validated('discs');
  expect(ready).toMatchObject({
    state: 'DATASET_STATE_READY',
    layout: 'plain',
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    findings: [],
    statistics: {
      train: { imageCount: 8, sidePx: { min: 64, median: 64, max: 64 } },
      sizes: [{ minSidePx: 64, imageCount: 8 }],
    },
  });
  // Background 60 to 99, discs 200 to 239, every channel alike.
  const { channelMeans, channelDeviations } = ready.statistics!;
  expect(channelMeans).toHaveLength(3);
  expect(channelMeans[0]).toBeCloseTo(channelMeans[2]!, 9);
  expect(channelMeans[0]).toBeGreaterThan(79);
  expect(channelMeans[0]).toBeLessThan(110);
  expect(channelDeviations[0]).toBeGreaterThan(20);
});

test('a set with the same picture on both sides of its split is rejected, naming the files', async () => {
  const files: [string, Buffer][] = [];
  for (const part of ['train', 'test']) {
    for (const name of ['bright', 'dark'])
      files.push([`${part}/${name}/1.png`, (await discImage(20, 10, files.length)).png]);
  }
  const location = writeTree(root, ...files);
  copyFileSync(join(location, 'train/dark/1.png'), join(location, 'test/dark/2.png'));
  await register({ name: 'leaky', location, task: 'TASK_CLASSIFICATION' });
  const rejected = await validated('leaky@1');
  expect(rejected).toMatchObject({
    state: 'DATASET_STATE_REJECTED',
    stateMessage: 'the same picture is in train and test: train/dark/1.png, test/dark/2.png.',
    classes: ['bright', 'dark'],
    findings: [{ kind: 'duplicate-across-parts', error: true, names: ['test/dark/2.png', 'train/dark/1.png'] }],
    statistics: { train: { classCounts: { bright: 1, dark: 1 } } },
  });
  const spec = microSpec('', { task: 'TASK_CLASSIFICATION', dataset: 'leaky', name: 'leaky' });
  await expect(createJob(jobs, spec)).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
    field: 'spec.dataset',
    message: expect.stringContaining('leaky@1 was rejected: the same picture is in train and test'),
  });
});

test('a check that cannot be done says why', async () => {
  const location = writeTree(root, 'notes/readme.md');
  await register({ name: 'nothing', location });
  expect(await validated('nothing')).toMatchObject({
    state: 'DATASET_STATE_REJECTED',
    stateMessage: expect.stringContaining('no images/'),
    statistics: null,
  });
});

test('a check that waits says what for, and what waits for a check names it', async () => {
  const [first, second] = [discs('waits-1', 40), discs('waits-2')];
  const long = await createJob(jobs, microSpec(first, { name: 'long', overrides: { epochs: 1000 } }));
  await register({ name: 'waits', location: second });
  const { dataset } = await client.unary('ValidateDataset', { dataset: 'waits' });
  const held = `Waits for a worker: 1 of 1 at work on long (${long.id}).`;
  expect(dataset).toMatchObject({ state: 'DATASET_STATE_CHECKING', stateMessage: held });
  const { datasets } = await client.unary('ListDatasets', { name: 'waits' });
  expect(datasets.map(({ stateMessage }) => stateMessage)).toEqual([held]);
  const next = await createJob(jobs, microSpec(first, { name: 'next' }));
  await jobs.unary('CancelTrainingJob', { id: long.id });
  const told = new Set<string>();
  while ((await get('waits')).state === 'DATASET_STATE_CHECKING') {
    told.add((await getJob(jobs, next.id)).stateMessage);
  }
  expect(await get('waits')).toMatchObject({ state: 'DATASET_STATE_READY', stateMessage: '' });
  expect([...told].join()).toContain('at work on check of a data set waits@1 (');
  await watchToEnd(jobs, next.id);
});

test('a training names a data set, and is refused once a file of it changed', async () => {
  const location = discs('named');
  await register({ name: 'named', location });
  const spec = microSpec('', { dataset: 'named', name: 'on-named' });
  await expect(createJob(jobs, spec)).rejects.toMatchObject({
    field: 'spec.dataset',
    message: expect.stringMatching(/named@1 was not checked yet/),
  });
  await validated('named');
  const job = await createJob(jobs, spec);
  expect(job.spec).toMatchObject({ dataset: 'named@1', data: location });
  await watchToEnd(jobs, job.id);
  expect(await getJob(jobs, job.id)).toMatchObject({ state: 'TRAINING_JOB_STATE_SUCCEEDED', error: null });

  copyFileSync(join(location, 'masks/3.png'), join(location, 'masks/5.png'));
  const refused = await createJob(jobs, spec);
  await watchToEnd(jobs, refused.id);
  expect(await getJob(jobs, refused.id)).toMatchObject({
    state: 'TRAINING_JOB_STATE_FAILED',
    error: {
      field: 'dataset',
      message: 'The data set named@1 changed since it was checked: images/5.png changed. Validate it again.',
    },
  });
  expect((await validated('named')).state).toBe('DATASET_STATE_READY');
});

test('a repeated request answers the same version, and another one under its id is refused', async () => {
  const location = discs('repeated', 2);
  const first = await register({ name: 'repeated', location }, 'once');
  expect((await register({ name: 'repeated', location }, 'once')).version).toBe(first.version);
  expect((await register({ name: 'repeated', location }, 'twice')).version).toBe(2);
  await expect(register({ name: 'repeated', location, groupColumn: 'eye' }, 'once')).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'request_id',
  });
});

test.each([
  ['a name with a slash', { name: 'a/b' }, 'spec.name'],
  ['a relative path', { location: 'data/polyps' }, 'spec.location'],
  ['a path to nowhere', { location: '/nowhere/at/all' }, 'spec.location'],
  ['an unknown layout', { layout: 'zip' }, 'spec.layout'],
  ['a missing task', { task: 'TASK_UNSPECIFIED' as const }, 'spec.task'],
])('refuses %s at once', async (_what, changes, field) => {
  await expect(register({ name: 'refused', location: root, ...changes })).rejects.toMatchObject({ field });
});

test('the registry lists page by page, and forgets a version without touching its files or giving its number again', async () => {
  const location = discs('listed', 2);
  for (let version = 1; version <= 3; version += 1) await register({ name: 'listed', location });
  const page = async (pageToken: string) => client.unary('ListDatasets', { name: 'listed', pageSize: 2, pageToken });
  const first = await page('');
  const second = await page(first.nextPageToken);
  expect([...first.datasets, ...second.datasets].map(({ version }) => version)).toEqual([3, 2, 1]);
  expect(second.nextPageToken).toBe('');
  await validated('listed@3');
  expect(existsSync(join(home, 'datasets', 'listed', '3.json'))).toBe(true);
  await expect(client.unary('DeleteDataset', { dataset: 'listed' })).rejects.toMatchObject({ field: 'dataset' });
  await client.unary('DeleteDataset', { dataset: 'listed@3' });
  await expect(get('listed@3')).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'dataset' });
  expect((await get('listed')).version).toBe(2);
  expect(readdirSync(join(location, 'images'))).toHaveLength(2);
  expect(existsSync(join(home, 'datasets', 'listed', '3.json'))).toBe(false);
  expect((await register({ name: 'listed', location })).version).toBe(4);
});

test('what was registered and found survives a restart of the service', async () => {
  const before = await get('leaky');
  writeFileSync(join(root, 'empty.csv'), 'image,mask\n');
  await register({ name: 'waiting', location: join(root, 'empty.csv') });
  await stop();
  await start();
  expect(await get('leaky')).toEqual(before);
  expect(await get('waiting')).toMatchObject({ state: 'DATASET_STATE_REGISTERED', version: 1 });
  expect(await validated('waiting')).toMatchObject({
    state: 'DATASET_STATE_REJECTED',
    stateMessage: 'The data set has no samples.',
  });
});
