// Which images to label next, through the service and its workers, on real files.

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutomedClient } from '../../../services/client';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { microStore, writeDiscs } from '../../support/training-service';

jest.setTimeout(240_000);

const root = temporaryFolder();
const home = join(root, 'home');
let service: Program;
let client: AutomedClient;

beforeAll(async () => {
  await microStore(home);
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  client = new AutomedClient(service.address);
});
afterAll(async () => {
  client?.close();
  expect(await service?.stop()).toBe(0);
});

/** Discs of which some lie in unlabelled/, and one has lost its mask. */
function partlyLabelled(folder: string, labelled: number, unlabelled: number): string {
  const data = writeDiscs(join(root, folder), labelled + unlabelled);
  mkdirSync(join(data, 'unlabelled'));
  for (let number = labelled; number < labelled + unlabelled; number += 1) {
    renameSync(join(data, 'images', `${number}.png`), join(data, 'unlabelled', `${number}.png`));
    rmSync(join(data, 'masks', `${number}.png`));
  }
  rmSync(join(data, 'masks', '0.png'));
  return data;
}

async function registered(name: string, location: string): Promise<void> {
  await client.datasets.register({ name, task: 'TASK_SEGMENTATION', location });
  await client.datasets.validate(name);
  expect((await client.datasets.wait(name)).state).toBe('DATASET_STATE_READY');
}

test('images without a label are ordered, with what a simulation on the labelled ones says', async () => {
  await registered('discs', partlyLabelled('many', 70, 5));
  const told: [number, number][] = [];
  const onProgress = (done: number, total: number): void => void told.push([done, total]);
  const answer = await client.datasets.nextLabels({ dataset: 'discs', base: 'micro', count: 4 }, { onProgress });
  expect(answer).toMatchObject({ unlabelledCount: 6, labelledCount: 69, reason: '' });
  expect(answer.images).toHaveLength(4);
  expect(answer.benefit).toMatchObject({
    seedCount: 5,
    statement: expect.stringMatching(/^This order (helps|does not)/),
  });
  expect(told.at(-1)).toEqual([20, 20]);
  expect(told[0]?.[1]).toBe(75);
  // Each can be read and shown.
  const all = await client.datasets.nextLabels({ dataset: 'discs', base: 'micro' });
  const names = all.images.map(({ name }) => name);
  expect(names).toHaveLength(6);
  expect(names).toEqual(expect.arrayContaining(['images/0.png', 'unlabelled/70.png']));
});

test('of few labelled images nothing is measured, which is said', async () => {
  await registered('few', partlyLabelled('few', 8, 2));
  const answer = await client.datasets.nextLabels({ dataset: 'few', base: 'micro' });
  expect(answer).toMatchObject({
    benefit: null,
    reason: expect.stringMatching(/7 images are labelled, and it takes 60/),
  });
  expect(answer.images).toHaveLength(3);
});

test('ends with its caller, and the next one is served', async () => {
  const stop = new AbortController();
  const options = { signal: stop.signal, onProgress: () => stop.abort() };
  await expect(client.datasets.nextLabels({ dataset: 'discs', base: 'micro' }, options)).rejects.toThrow();
  await sleep(100);
  expect((await client.datasets.nextLabels({ dataset: 'few', base: 'micro' })).images).toHaveLength(3);
});

test('what is missing is named', async () => {
  await client.datasets.register({
    name: 'whole',
    task: 'TASK_SEGMENTATION',
    location: writeDiscs(join(root, 'w'), 6),
  });
  await expect(client.datasets.nextLabels({ dataset: 'whole', base: 'micro' })).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
  });
  await client.datasets.validate('whole');
  await client.datasets.wait('whole');
  const refused = (request: object) => expect(client.datasets.nextLabels({ dataset: 'whole', ...request })).rejects;
  await refused({ base: 'micro' }).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(/unlabelled/),
  });
  await refused({ base: 'none' }).toMatchObject({ code: 'NOT_FOUND' });
  await refused({}).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'base' });
  await refused({ base: 'micro', count: 1001 }).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'count' });
});
