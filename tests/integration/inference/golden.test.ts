// Models that a training run registered with a golden image, served: they must answer it as they did then.

import { readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readGolden, type StoredModel } from '../../../services/store';
import { answerNatively } from '../../../services/worker/adapters/native-golden';
import { createNativeTrainer, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { writeDemoData, type DemoFolders } from '../../../services/synthetic/demo-data';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import { trainSpecSchema, type TrainSpecInput } from '../../../services/worker/protocol/protocol';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { MICRO_ARCHITECTURE } from '../../support/micro';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore, type TestStore } from '../../support/stack-store';
import { classificationClient, segmentationClient } from '../../support/api-clients';

jest.setTimeout(120_000);

const root = temporaryFolder();
const home = join(root, 'home');
let store: TestStore;
let data: DemoFolders;
let image: Buffer;
const programs: Program[] = [];

async function train(input: Partial<TrainSpecInput>): Promise<void> {
  const spec = trainSpecSchema.parse({
    task: 'segmentation',
    name: 'polyp',
    data: join(data.segmentation, 'train'),
    store: home,
    base: 'micro',
    threads: 1,
    jobFolder: join(root, 'job'),
    overrides: { epochs: 1, batchSize: 4 },
    ...input,
  } satisfies TrainSpecInput);
  await runTraining(spec, {
    store: store.store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    answerGolden: answerNatively,
    emit: () => undefined,
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
}

async function serve(environment: Record<string, string> = {}): Promise<Program> {
  const program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_RESOLVE_TTL_MS: '20', ...environment });
  programs.push(program);
  return program;
}

/** Makes the golden image expect another answer, with hashes that fit: what a wrong kernel would look like. */
function expectOtherwise({ folder }: StoredModel): void {
  const path = join(folder, 'golden', 'golden.json');
  const golden = JSON.parse(readFileSync(path, 'utf8')) as { masks: { meanProbability: number }[] };
  for (const mask of golden.masks) mask.meanProbability += 0.1;
  const text = JSON.stringify(golden);
  const sha256 = createHash('sha256').update(text).digest('hex');
  writeFileSync(path, text);
  const manifestPath = join(folder, 'model.json');
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { golden: { sha256: string } };
  manifest.golden.sha256 = sha256;
  writeFileSync(manifestPath, JSON.stringify(manifest));
}

beforeAll(async () => {
  store = await makeStore(home, 'micro', MICRO_ARCHITECTURE);
  data = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 8, testCount: 0 });
  image = (await discImage(90, 70)).png;
  await train({});
  await train({ reportImages: false, seed: 9 });
  await train({ task: 'classification', name: 'kind', data: join(data.classification, 'train') });
});

afterAll(async () => {
  for (const program of programs) await program.stop();
});

test('a run keeps a validation sample with its answer, or an image of nobody where pictures are not wanted', async () => {
  const sample = await readGolden(await store.store.resolveModel('polyp@1'));
  expect(sample).toMatchObject({ source: 'sample', answer: { masks: [{}], probabilities: [] } });
  expect(sample?.answer.masks[0]?.meanProbability).toBeGreaterThan(0);
  const synthetic = await readGolden(await store.store.resolveModel('polyp@2'));
  expect(synthetic).toMatchObject({ source: 'synthetic', pixels: { width: 64, height: 64, channels: 3 } });
  const kind = await readGolden(await store.store.resolveModel('kind'));
  expect(kind?.answer.probabilities.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 4);
});

test('models that answer their golden image as they did are served', async () => {
  const program = await serve();
  const [segmentation, classification] = [segmentationClient(program.address), classificationClient(program.address)];
  for (const model of ['polyp@1', 'polyp@2']) {
    expect((await segmentation.unary('Segment', { model, image: { encoded: image } })).model?.name).toBe('polyp');
  }
  await classification.unary('Classify', { model: 'kind', image: { encoded: image } });
  segmentation.close();
  classification.close();
});

test('a version that answers otherwise does not load, the one before it goes on, and the check can be turned off', async () => {
  await store.store.setAlias('polyp', 'production', 1);
  const program = await serve();
  const client = segmentationClient(program.address);
  const ask = (model: string, of = client) => of.unary('Segment', { model, image: { encoded: image } });
  expect((await ask('polyp@production')).model?.version).toBe(1);
  expectOtherwise(await store.store.resolveModel('polyp@2'));
  await store.store.setAlias('polyp', 'production', 2);
  await eventually(() => program.lines.find(({ event }) => event === 'held-back'));
  expect((await ask('polyp@production')).model?.version).toBe(1);
  await expect(ask('polyp@2')).rejects.toMatchObject({
    code: 'CHECKPOINT_CORRUPT',
    message: expect.stringMatching(/^polyp@2 does not answer as it did when it was registered: it gives mask 1 a mean/),
  });
  client.close();
  const careless = segmentationClient((await serve({ AUTOMED_GOLDEN_CHECK: 'false' })).address);
  expect((await ask('polyp@2', careless)).model?.version).toBe(2);
  careless.close();
});

test('a base whose file is not the registered one says so, whatever models on it answer, and serves once it is', async () => {
  const { weightsPath } = await store.store.resolveBase('micro@1');
  const registered = readFileSync(weightsPath);
  const altered = Buffer.from(registered);
  altered.writeUInt8(altered.readUInt8(altered.length - 3) ^ 0x40, altered.length - 3); // in the last of its weights
  const client = segmentationClient((await serve()).address);
  const ask = () => client.unary('Segment', { model: 'polyp@1', image: { encoded: image } });
  writeFileSync(weightsPath, altered);
  await expect(ask()).rejects.toMatchObject({
    code: 'CHECKPOINT_CORRUPT',
    message: 'The weights of micro@1 have changed since they were registered.',
  });
  writeFileSync(weightsPath, registered);
  expect((await ask()).model?.version).toBe(1);
  client.close();
});
