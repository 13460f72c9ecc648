// What a run records of itself, and what happens when it was interrupted while it registered its result.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { auditStore, ModelStore, WEIGHTS_FILE } from '../../../services/store';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import { trainSpecSchema, type FinishedEvent, type TrainSpecInput } from '../../../services/worker/protocol/protocol';
import { baseDraft, temporaryFolder } from '../../support/data';
import { MICRO_ARCHITECTURE } from '../../support/micro';

jest.setTimeout(240_000);

const root = temporaryFolder();
let store: ModelStore;
let data: string;
let jobs = 0;

async function run(input: Partial<TrainSpecInput> = {}): Promise<FinishedEvent> {
  const spec = trainSpecSchema.parse({
    task: 'segmentation',
    name: 'lesion',
    data,
    store: store.root,
    base: 'micro',
    threads: 1,
    seed: 7,
    validationFraction: 0.25,
    jobFolder: join(root, `job-${(jobs += 1)}`),
    overrides: { epochs: 1, batchSize: 4 },
    reportImages: false,
    ...input,
  } satisfies TrainSpecInput);
  return runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    emit: () => undefined,
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
}

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 8, testCount: 0 });
  data = join(segmentation, 'train');
  const draft = baseDraft('micro', { family: 'sam-med2d', architecture: MICRO_ARCHITECTURE });
  await store.registerBase(draft, async (folder) => {
    await initNativeBase(MICRO_ARCHITECTURE, 1, join(folder, WEIGHTS_FILE));
  });
});

test('a model records its job, seed, split, start, machine and who asked for it', async () => {
  await run({ name: 'first' });
  const finished = await run({ jobId: 'job-a', createdBy: 'ada', startFrom: 'first' });
  const { manifest } = await store.resolveModel(finished.model!);
  const first = await store.resolveModel('first');
  expect(manifest.training).toMatchObject({
    job: 'job-a',
    createdBy: 'ada',
    seed: 7,
    epochs: 1,
    startedFrom: { name: 'first', version: 1, sha256: first.manifest.weights.sha256 },
    hardware: { threads: 1, device: 'cpu' },
  });
  expect(manifest.training.hardware?.memoryBytes).toBeGreaterThan(2 ** 20);
  expect(manifest.dataset).toMatchObject({
    samples: { train: 6, validation: 2, test: 0 },
    split: { seed: 7, validationFraction: 0.25, testFraction: 0 },
    groupColumn: null,
  });
  // A run that nobody queued names itself, so that it registers once however often it is resumed.
  expect(first.manifest.training.job).toMatch(/^[0-9a-f-]{36}$/);
  expect(first.manifest.training.createdBy).toBeTruthy();
});

test('a job that was interrupted after it registered its model does not register it again', async () => {
  const before = await run({ name: 'once', jobId: 'job-b' });
  const again = await run({ name: 'once', jobId: 'job-b' });
  expect(again.model).toBe(before.model);
  expect(again.report).toBe(before.report);
  await expect(store.resolveModel('once@2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a job that was interrupted between its base and its model goes on with the same base', async () => {
  const spec = { name: 'both', jobId: 'job-c', train: 'encoder' as const, baseName: 'micro-both' };
  const before = await run(spec);
  const { manifest } = await store.resolveModel(before.model!);
  await store.deleteModel('both');
  const after = await run(spec);
  expect([before.base, after.base]).toEqual(['micro-both@1', 'micro-both@1']);
  const again = await store.resolveModel(after.model!);
  expect(again.manifest.base).toEqual(manifest.base);
  expect(again.manifest.weights.sha256).toBe(manifest.weights.sha256);
});

test('a run that nobody queued, killed between its base and its model, goes on with the same base', async () => {
  const jobFolder = join(root, 'killed');
  const spec = { name: 'killed', train: 'encoder' as const, jobFolder };
  // What its death leaves: the base, the checkpoints, and no model.
  const dead = jest.spyOn(store, 'registerModel').mockRejectedValueOnce(new Error('killed'));
  const kept = jest.spyOn(store, 'deleteBase').mockResolvedValueOnce();
  await expect(run(spec)).rejects.toThrow('killed');
  dead.mockRestore();
  kept.mockRestore();
  expect((await auditStore(store.root)).unused).toContain('killed@1');
  const { base, model } = await run({ ...spec, resume: true });
  expect([base, model]).toEqual(['killed@1', 'killed@1']);
  expect((await auditStore(store.root)).unused).not.toContain('killed@1');
  await expect(store.resolveBase('killed@2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('weights that differ from those of the interrupted registration become a base of their own', async () => {
  const spec = { name: 'other', jobId: 'job-d', train: 'encoder' as const, baseName: 'micro-other' };
  await run(spec);
  await store.deleteModel('other');
  const after = await run({ ...spec, seed: 8 });
  expect(after.base).toBe('micro-other@2');
  expect((await store.resolveModel(after.model!)).manifest.base.version).toBe(2);
  expect(existsSync(join(root, `job-${jobs}`, 'base.safetensors'))).toBe(false);
});
