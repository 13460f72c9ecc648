// Data sets in an object store that speaks the real protocol: fetched, checked, trained on, brought up to date.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { Dataset__Output } from '../../../proto/gen/automed/datasets/v1/Dataset';
import { tryLock } from '../../../services/common/file-lock';
import { s3Mirror } from '../../../services/worker/adapters/s3-mirror';
import { temporaryFolder } from '../../support/data';
import { startObjectStore, type ObjectStore } from '../../support/object-store';
import { startProgram, type Program } from '../../support/stack';
import { createJob, getJob, microSpec, microStore, watchToEnd, writeDiscs } from '../../support/training-service';
import { datasetClient, trainingJobClient } from '../../support/api-clients';

const root = temporaryFolder();
const home = join(root, 'home');
const saved = { ...process.env };
let objects: ObjectStore;

beforeAll(async () => {
  mkdirSync(join(root, 's3'));
  objects = await startObjectStore(join(root, 's3'), ['sets']);
  Object.assign(process.env, objects.env);
  await microStore(home);
});

afterAll(async () => {
  process.env = saved;
  await objects.stop();
});

describe('a copy of a prefix', () => {
  const mirror = s3Mirror({ forcePathStyle: true });
  const options = { signal: new AbortController().signal };
  const folder = join(root, 'copy');
  const content = (path: string): string => readFileSync(join(folder, path), 'utf8');

  it('is made by one at a time: ranks of one training wait for each other', async () => {
    await objects.put('sets', 'shared/a.txt', Buffer.from('a'));
    const shared = join(root, 'shared');
    const other = tryLock(`${shared}.lock`);
    const waiting = mirror('s3://sets/shared', shared, { signal: AbortSignal.timeout(1_000) });
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(existsSync(shared)).toBe(false);
    const patient = mirror('s3://sets/shared', shared, options);
    other?.release();
    await patient;
    expect(readFileSync(join(shared, 'a.txt'), 'utf8')).toBe('a');
  });

  it('holds the objects below it, and fetches again only what changed, is damaged or was lost', async () => {
    for (const name of ['a', 'b', 'deep/c', 'd']) await objects.put('sets', `texts/${name}.txt`, Buffer.from(name));
    await objects.put('sets', 'textsandmore/x.txt', Buffer.from('another prefix'));
    await mirror('s3://sets/texts', folder, options);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
      '.mirror.json',
      'a.txt',
      'b.txt',
      'd.txt',
      'deep',
      'deep/c.txt',
    ]);
    expect(content('deep/c.txt')).toBe('deep/c');
    const untouched = statSync(join(folder, 'd.txt')).ino;
    await objects.put('sets', 'texts/a.txt', Buffer.from('A, changed'));
    await objects.client.send(new DeleteObjectCommand({ Bucket: 'sets', Key: 'texts/b.txt' }));
    writeFileSync(join(folder, 'deep/c.txt'), 'cut short, or the like');
    writeFileSync(join(folder, 'stray.txt'), 'nobody asked for it');
    await mirror('s3://sets/texts/', folder, options);
    expect([content('a.txt'), content('deep/c.txt')]).toEqual(['A, changed', 'deep/c']);
    expect(readdirSync(folder).sort()).toEqual(['.mirror.json', 'a.txt', 'd.txt', 'deep']);
    expect(statSync(join(folder, 'd.txt')).ino).toBe(untouched);
    rmSync(join(folder, '.mirror.json'));
    await mirror('s3://sets/texts', folder, options);
    expect(content('a.txt')).toBe('A, changed');
  });

  it('leaves archives where they are, and names an object that is too large', async () => {
    for (const name of ['a.txt', 'all.tar.gz']) await objects.put('sets', `sizes/${name}`, Buffer.alloc(9));
    const third = join(root, 'third');
    await mirror('s3://sets/sizes', third, options);
    expect(readdirSync(third).sort()).toEqual(['.mirror.json', 'a.txt']);
    const narrow = s3Mirror({ forcePathStyle: true, maxObjectBytes: 8 });
    await expect(narrow('s3://sets/sizes', third, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'location',
      message: expect.stringContaining('sizes/a.txt has 9 bytes'),
    });
  });

  it('stops when it is asked to, and goes on from there', async () => {
    const names = Array.from({ length: 24 }, (_, index) => `${index}.txt`);
    for (const name of names) await objects.put('sets', `many/${name}`, Buffer.from(name));
    const cancellation = new AbortController();
    const second = join(root, 'second');
    const running = mirror('s3://sets/many', second, {
      signal: cancellation.signal,
      onProgress: () => cancellation.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    const there = readdirSync(second).filter((name) => name.endsWith('.txt'));
    expect(there.length).toBeLessThan(names.length);
    await mirror('s3://sets/many', second, options);
    expect(names.map((name) => readFileSync(join(second, name), 'utf8'))).toEqual(names);
  });

  it('says what is wrong with a location', async () => {
    await expect(mirror('s3://sets/nothing', folder, options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(mirror('s3://absent-bucket/x', folder, options)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is nothing at s3://absent-bucket/x.',
    });
    await expect(mirror('s3://', folder, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('the training service', () => {
  let service: Program;
  let datasets: ReturnType<typeof datasetClient>;
  let jobs: ReturnType<typeof trainingJobClient>;

  beforeAll(async () => {
    service = await startProgram('training', { ...objects.env, AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
    datasets = datasetClient(service.address);
    jobs = trainingJobClient(service.address);
  });

  afterAll(async () => {
    datasets.close();
    jobs.close();
    await service.stop();
  });

  async function validated(dataset: string): Promise<Dataset__Output> {
    await datasets.unary('ValidateDataset', { dataset });
    for (;;) {
      const { dataset: now } = await datasets.unary('GetDataset', { dataset });
      if (now!.state !== 'DATASET_STATE_CHECKING') return now!;
      await sleep(50);
    }
  }

  it('checks a data set in a bucket, trains on it, and refuses it once an object changed', async () => {
    const local = writeDiscs(join(root, 'discs'), 6);
    await objects.upload('sets', 'discs/', local);
    const spec = { name: 'bucket', task: 'TASK_SEGMENTATION', location: 's3://sets/discs' } as const;
    await datasets.unary('RegisterDataset', { spec });
    expect(await validated('bucket')).toMatchObject({
      state: 'DATASET_STATE_READY',
      statistics: { train: { imageCount: 6 } },
    });
    const wanted = microSpec('', { dataset: 'bucket', name: 'from-bucket' });
    const job = await createJob(jobs, wanted);
    await watchToEnd(jobs, job.id);
    expect(await getJob(jobs, job.id)).toMatchObject({ state: 'TRAINING_JOB_STATE_SUCCEEDED', error: null });
    await objects.put('sets', 'discs/masks/2.png', readFileSync(join(local, 'masks/4.png')));
    const refused = await createJob(jobs, wanted);
    await watchToEnd(jobs, refused.id);
    expect((await getJob(jobs, refused.id)).error?.message).toMatch(/bucket@1 changed .*: images\/2\.png changed\./);
  });

  it('rejects a prefix without objects in a sentence', async () => {
    const spec = { name: 'void', task: 'TASK_SEGMENTATION', location: 's3://sets/void' } as const;
    await datasets.unary('RegisterDataset', { spec });
    expect(await validated('void')).toMatchObject({
      state: 'DATASET_STATE_REJECTED',
      stateMessage: 'There are no objects below s3://sets/void/.',
    });
  });
});
