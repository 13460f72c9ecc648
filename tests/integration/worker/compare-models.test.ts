// Two versions on the same images, on the real addon: what a promotion asks before one takes the other's place.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { automedError } from '../../../services/common/errors';
import { ModelStore, WEIGHTS_FILE } from '../../../services/store';
import { loadNativePair } from '../../../services/worker/adapters/native-pair';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { agreementOf, compareModels } from '../../../services/worker/domain/evaluation/compare-models';
import { readSegmentationFolder } from '../../../services/datasets/layouts/data-folder';
import { writeDemoData, type DemoFolders } from '../../../services/synthetic/demo-data';
import { decodeInOrder } from '../../../services/datasets/load/load-samples';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import {
  compareModelsSpecSchema,
  trainSpecSchema,
  type CompareModelsSpecInput,
  type TrainSpecInput,
  type WorkerEvent,
} from '../../../services/worker/protocol/protocol';
import { baseDraft, temporaryFolder } from '../../support/data';
import { MICRO_ARCHITECTURE } from '../../support/micro';

jest.setTimeout(120_000);

const root = temporaryFolder();
let store: ModelStore;
let data: DemoFolders;

async function train(input: Partial<TrainSpecInput>): Promise<void> {
  const spec = trainSpecSchema.parse({
    task: 'segmentation',
    name: 'lesion',
    data: data.segmentation,
    store: store.root,
    base: 'micro',
    threads: 1,
    jobFolder: join(root, 'job'),
    overrides: { epochs: 1, batchSize: 4 },
    reportImages: false,
    ...input,
  } satisfies TrainSpecInput);
  const emit = (): void => undefined;
  const signal = new AbortController().signal;
  const createTrainer = createNativeTrainer;
  await runTraining(spec, { store, createTrainer, namedHead: namedNativeHead, emit, signal, codeVersion: 'test' });
}

const told: string[] = [];

function compare(input: Partial<CompareModelsSpecInput>, signal = new AbortController().signal) {
  const spec = compareModelsSpecSchema.parse({
    data: data.segmentation,
    store: store.root,
    candidate: 'lesion@2',
    current: 'lesion@1',
    threads: 1,
    ...input,
  } satisfies CompareModelsSpecInput);
  const emit = (event: WorkerEvent): number => (event.type === 'log' ? told.push(event.message) : 0);
  return compareModels(spec, { store, loadPair: loadNativePair, emit, signal });
}

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  data = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 8, testCount: 5 });
  const draft = baseDraft('micro', { family: 'sam-med2d', architecture: MICRO_ARCHITECTURE });
  await store.registerBase(draft, async (folder) => {
    await initNativeBase(MICRO_ARCHITECTURE, 1, join(folder, WEIGHTS_FILE));
  });
  await train({ seed: 1, threshold: 0.9 });
  await train({ seed: 2, threshold: 0.05, train: 'encoder', baseName: 'micro-trained' });
  await train({ task: 'classification', name: 'kind', data: data.classification });
});

test('a version agrees with itself on every image of the part', async () => {
  const { metrics } = await compare({ current: 'lesion@2' });
  expect(metrics).toEqual({ agreement: 1, images: 5 });
  expect((await compare({ candidate: 'kind@1', current: 'kind@1', data: data.classification })).metrics).toEqual({
    agreement: 1,
    images: 5,
  });
});

test('what a mask shows does not matter to agreement, and pictures that cannot be read are counted and named', async () => {
  const { segmentation } = await writeDemoData(join(root, 'odd'), { seed: 9, trainCount: 3, testCount: 5 });
  const labels = Buffer.from(Array.from({ length: 300 }, (_, at) => at % 3));
  const raw = { width: 20, height: 15, channels: 1 } as const;
  const mask = await sharp(labels, { raw }).toColourspace('b-w').png().toBuffer();
  writeFileSync(join(segmentation, 'test', 'masks', 'test-0001.png'), mask);
  const odd = { current: 'lesion@2', data: segmentation };
  expect((await compare(odd)).metrics).toEqual({ agreement: 1, images: 5 });
  writeFileSync(join(segmentation, 'test', 'images', 'test-0002.jpg'), 'no image');
  expect((await compare(odd)).metrics).toEqual({ agreement: 1, images: 4, skipped: 1 });
  expect(told.join('\n')).toMatch(/left out test\/.*test-0002/);
});

test('versions on different bases are compared, and the order does not matter', async () => {
  const [there, back] = [await compare({}), await compare({ candidate: 'lesion@1', current: 'lesion@2' })];
  const { agreement } = there.metrics as { agreement: number };
  expect(agreement).toBeGreaterThanOrEqual(0);
  expect(agreement).toBeLessThan(1);
  expect(back.metrics).toEqual(there.metrics);
});

test('agreement is the mean Dice over structures, or whether both name the same class', async () => {
  const mask = (...pixels: number[]) => Uint8Array.from(pixels);
  const answer = (masks: Uint8Array[], probabilities: number[] = []) => ({ masks, probabilities });
  const { manifest: segmentation } = await store.resolveModel('lesion');
  const { manifest: classification } = await store.resolveModel('kind');
  const [left, right] = [answer([mask(1, 1, 0), mask(0, 0, 0)]), answer([mask(1, 0, 0), mask(0, 0, 0)])];
  expect(agreementOf([left, right], segmentation)).toBeCloseTo((2 / 3 + 1) / 2);
  expect(agreementOf([answer([], [0.4, 0.6]), answer([], [0.1, 0.9])], classification)).toBe(1);
  expect(agreementOf([answer([], [0.4, 0.6]), answer([], [0.6, 0.4])], classification)).toBe(0);
});

test('models that answer for different things are not compared', async () => {
  await expect(compare({ candidate: 'kind@1' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'agreement',
    message: expect.stringContaining('lesion@1 for foreground'),
  });
});

test('files of a registered data set that changed since its check are refused', async () => {
  const { parts } = await readSegmentationFolder(data.segmentation);
  const digests = join(root, 'digests.json');
  const samples: Record<string, string> = {};
  for await (const result of decodeInOrder(parts.test)) {
    if ('digest' in result) samples[result.sample.name] = result.digest;
  }
  const keep = (): void => writeFileSync(digests, JSON.stringify({ fingerprint: '', samples }));
  const compared = () => compare({ current: 'lesion@2', dataset: { reference: 'discs@1', digests } });
  keep();
  expect((await compared()).metrics).toEqual({ agreement: 1, images: 5 });
  const [name = ''] = Object.keys(samples);
  samples[name] = 'another';
  keep();
  await expect(compared()).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
    field: 'dataset',
    message: expect.stringContaining(`${name} changed`),
  });
});

test('a part without images and a cancelled comparison are errors', async () => {
  const empty = compare({ data: join(data.segmentation, 'train') });
  await expect(empty).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'agreement' });
  const cancelled = compare({}, AbortSignal.abort(automedError('CANCELLED', 'enough')));
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
});
