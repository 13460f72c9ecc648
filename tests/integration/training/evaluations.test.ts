// Evaluations through the training service as a process, with real clients and real workers.

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Evaluation__Output } from '../../../proto/gen/automed/evaluations/v1/Evaluation';
import type { EvaluationSpec } from '../../../proto/gen/automed/evaluations/v1/EvaluationSpec';
import { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { createJob, microSpec, microStore, watchToEnd, writeDiscs } from '../../support/training-service';
import { datasetClient, evaluationClient, trainingJobClient } from '../../support/api-clients';

jest.setTimeout(120_000);

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let client: ReturnType<typeof evaluationClient>;

async function start(): Promise<void> {
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  client = evaluationClient(service.address);
}

async function create(spec: EvaluationSpec, requestId = ''): Promise<Evaluation__Output> {
  const { evaluation } = await client.unary('CreateEvaluation', {
    requestId,
    spec: { reportImages: false, ...spec },
  });
  if (evaluation === null) throw new Error('an answer without an evaluation');
  return evaluation;
}

async function get(id: string): Promise<Evaluation__Output> {
  const { evaluation } = await client.unary('GetEvaluation', { id });
  if (evaluation === null) throw new Error('an answer without an evaluation');
  return evaluation;
}

const ENDED = ['SUCCEEDED', 'FAILED', 'CANCELLED'].map((state) => `EVALUATION_STATE_${state}`);

async function ended({ id }: Evaluation__Output): Promise<Evaluation__Output> {
  for (;;) {
    const now = await get(id);
    if (ENDED.includes(now.state)) return now;
    await sleep(50);
  }
}

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
  await start();
  const jobs = trainingJobClient(service.address);
  const job = await createJob(jobs, microSpec(data, { overrides: { epochs: 2 } }));
  await watchToEnd(jobs, job.id);
  jobs.close();
});

afterAll(async () => {
  client.close();
  expect(await service.stop()).toBe(0);
});

test('an evaluation gives the scores that the training recorded, with intervals, and each image', async () => {
  const created = await create({ model: 'disc', data, part: 'EVALUATION_PART_VALIDATION', device: 'cpu' });
  expect(created).toMatchObject({ spec: { model: 'disc@1', worstCount: 8 }, task: 'TASK_SEGMENTATION' });
  const { result, state, error, progress } = await ended(created);
  expect([state, error, progress]).toEqual(['EVALUATION_STATE_SUCCEEDED', null, 1]);
  const { manifest } = await (await ModelStore.open(home)).resolveModel('disc@1');
  const { mdsc, images } = manifest.metrics['validation'] as { mdsc: number; images: number };
  expect(result).toMatchObject({
    model: 'disc@1',
    weightsSha256: manifest.weights.sha256,
    base: 'micro@1',
    imageCount: images,
    unitCount: images,
    resampleCount: 2000,
    structures: ['foreground'],
    threshold: 0.5,
  });
  const score = result?.scores.find(({ name }) => name === 'mdsc');
  expect(score?.value).toBeCloseTo(mdsc, 6);
  expect(score?.low).toBeLessThanOrEqual(mdsc);
  expect(score?.high).toBeGreaterThanOrEqual(mdsc);
  expect(existsSync(join(home, result?.report ?? '', 'report.html'))).toBe(true);

  const { samples } = await client.unary('ListEvaluationSamples', { id: created.id });
  expect(samples.map(({ widthPx, heightPx }) => [widthPx, heightPx])).toEqual(samples.map(() => [64, 64]));
  const mean = samples.reduce((sum, { structures }) => sum + (structures[0]?.dice ?? 0), 0) / samples.length;
  expect(mean).toBeCloseTo(mdsc, 6);
  expect(samples[0]?.structures[0]).toMatchObject({ name: 'foreground', specificity: expect.any(Number) });
});

test('images come in pages, in the order that was asked for', async () => {
  const { id } = await ended(await create({ model: 'disc', data, part: 'EVALUATION_PART_ALL', device: 'cpu' }));
  const names: string[] = [];
  for (let pageToken = ''; ;) {
    const request = { id, pageSize: 3, pageToken, order: 'EVALUATION_SAMPLE_ORDER_NAME' } as const;
    const page = await client.unary('ListEvaluationSamples', request);
    names.push(...page.samples.map(({ name }) => name));
    if (page.nextPageToken === '') break;
    pageToken = page.nextPageToken;
  }
  expect(names).toHaveLength(8);
  expect(names).toEqual([...names].sort());
  const best = await client.unary('ListEvaluationSamples', { id, order: 'EVALUATION_SAMPLE_ORDER_BEST_FIRST' });
  const scores = best.samples.map(({ score }) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  const foreign = { id, pageToken: 'name:3' };
  await expect(client.unary('ListEvaluationSamples', foreign)).rejects.toMatchObject({ field: 'page_token' });
});

test('a repeated request is one evaluation, and a list keeps to its filter', async () => {
  const spec = { model: 'disc', data, device: 'cpu' };
  const [first, second] = [await create(spec, 'same'), await create(spec, 'same')];
  expect(second.id).toBe(first.id);
  await expect(create({ ...spec, strict: true }, 'same')).rejects.toMatchObject({ field: 'request_id' });
  await ended(first);
  const { evaluations } = await client.unary('ListEvaluations', { name: 'disc' });
  expect(evaluations[0]).toMatchObject({ id: first.id, requestId: 'same', result: { model: 'disc@1' } });
  expect((await client.unary('ListEvaluations', { name: 'other' })).evaluations).toEqual([]);
  const failed = await client.unary('ListEvaluations', { states: ['EVALUATION_STATE_FAILED'] });
  expect(failed.evaluations).toEqual([]);
});

test('what is wrong is said at once where it can be, and by the evaluation where it cannot', async () => {
  await expect(create({ data })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'spec.model' });
  await expect(create({ model: 'absent', data })).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'spec.model' });
  await expect(create({ model: 'disc', data, threshold: 2 })).rejects.toMatchObject({ field: 'spec.threshold' });
  await expect(get('0000000000000000')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const nowhere = create({ model: 'disc', data: join(root, 'nowhere'), device: 'cpu' });
  await expect(nowhere).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'spec.data' });
  const empty = join(root, 'empty');
  mkdirSync(empty);
  const { error, state, id } = await ended(await create({ model: 'disc', data: empty, device: 'cpu' }));
  expect([state, error?.reason, error?.field]).toEqual(['EVALUATION_STATE_FAILED', 'INVALID_ARGUMENT', 'data']);
  await expect(client.unary('ListEvaluationSamples', { id })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
});

test('a registered data set is measured as it was checked, and refused when it changed since', async () => {
  const folder = writeDiscs(join(root, 'registered'), 8);
  const datasets = datasetClient(service.address);
  const { dataset } = await datasets.unary('RegisterDataset', {
    spec: { name: 'discs', location: folder, task: 'TASK_SEGMENTATION' },
  });
  const reference = `${dataset?.name}@${dataset?.version}`;
  const spec = { model: 'disc', dataset: 'discs', device: 'cpu', part: 'EVALUATION_PART_ALL' } as const;
  await expect(create(spec)).rejects.toMatchObject({ code: 'ILLEGAL_STATE', field: 'spec.dataset' });
  await datasets.unary('ValidateDataset', { dataset: reference });
  for (let state = ''; state !== 'DATASET_STATE_READY'; await sleep(50)) {
    state = (await datasets.unary('GetDataset', { dataset: reference })).dataset?.state ?? '';
    expect(state).not.toBe('DATASET_STATE_REJECTED');
  }
  const ruled = { name: 'ruled', location: folder, task: 'TASK_SEGMENTATION', intensity: 'window:0:4095' } as const;
  expect((await datasets.unary('RegisterDataset', { spec: ruled })).dataset?.spec?.intensity).toBe('window:0:4095');
  await datasets.unary('ValidateDataset', { dataset: 'ruled@1' });
  datasets.close();
  const { result, spec: asked } = await ended(await create(spec));
  expect(asked).toMatchObject({ dataset: reference, data: folder, layout: 'plain' });
  expect(result?.imageCount).toBe(8);
  const other = await ended(await create({ ...spec, dataset: 'ruled' }));
  expect(other.spec?.intensity).toBe('window:0:4095');
  expect(other.result?.findings).toContainEqual(
    expect.objectContaining({
      kind: 'value-range',
      message: expect.stringMatching(/stated as window:0:4095, and disc@1 was trained on full: full.* is used/),
    }),
  );
  const said = await ended(await create({ ...spec, dataset: 'ruled', intensity: 'full' }));
  expect(said.result?.findings.filter(({ kind }) => kind === 'value-range')).toEqual([]);
  writeDiscs(folder, 9);
  const { state, error } = await ended(await create(spec));
  expect([state, error?.reason, error?.field]).toEqual(['EVALUATION_STATE_FAILED', 'ILLEGAL_STATE', 'dataset']);
});

test('an evaluation that waits outlives a restart, and one that is cancelled ends', async () => {
  const jobs = trainingJobClient(service.address);
  // One worker at a time: what follows has to wait.
  const busy = await createJob(jobs, microSpec(data, { name: 'long', overrides: { epochs: 1000 } }));
  const [kept, dropped] = [
    await create({ model: 'disc', data, device: 'cpu' }),
    await create({ model: 'disc', data, device: 'cpu' }),
  ];
  const held = `Waits for a worker: 1 of 1 at work on long (${busy.id})`;
  expect((await get(kept.id)).stateMessage).toBe(`${held}.`);
  expect((await get(dropped.id)).stateMessage).toBe(`${held}; 1 job before it.`);
  const { evaluations } = await client.unary('ListEvaluations', { states: ['EVALUATION_STATE_PENDING'] });
  expect(evaluations.map(({ stateMessage }) => stateMessage)).toEqual([`${held}; 1 job before it.`, `${held}.`]);
  await client.unary('CancelEvaluation', { id: dropped.id });
  expect((await get(dropped.id)).stateMessage).toBe('');
  expect((await get(dropped.id)).state).toBe('EVALUATION_STATE_CANCELLED');
  await jobs.unary('CancelTrainingJob', { id: busy.id });
  jobs.close();
  client.close();
  await service.stop();
  await start();
  expect((await ended(kept)).state).toBe('EVALUATION_STATE_SUCCEEDED');
});

test('a deleted evaluation leaves neither scores nor pictures', async () => {
  const { id, result } = await ended(await create({ model: 'disc', data, device: 'cpu', reportImages: true }));
  const report = join(home, result?.report ?? '');
  expect(existsSync(join(report, 'gallery.png'))).toBe(true);
  await client.unary('DeleteEvaluation', { id });
  expect(existsSync(join(home, 'evaluations', id))).toBe(false);
  await expect(get(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
