// Versions that were measured in bfloat16 when they were registered, served in it where they agree with float32.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildInfo } from '../../../native/lib';
import { agrees, describeAgreement, type StoredModel } from '../../../services/store';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { loadNativePrecisionPair } from '../../../services/worker/adapters/native-agreement';
import { createNativeTrainer, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import { trainSpecSchema, type TrainSpecInput } from '../../../services/worker/protocol/protocol';
import { segmentationClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { MICRO_ARCHITECTURE } from '../../support/micro';
import { startProgram } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore, type TestStore } from '../../support/stack-store';

jest.setTimeout(120_000);

const root = temporaryFolder();
const home = join(root, 'home');
/** Elsewhere it would be emulated, and is refused. */
const hasBfloat16 = buildInfo().cpuComputesInBfloat16;
const onBfloat16 = hasBfloat16 ? test : test.skip;

async function train(store: TestStore, data: string, input: Partial<TrainSpecInput>): Promise<StoredModel> {
  const spec = trainSpecSchema.parse({
    task: 'segmentation',
    name: 'polyp',
    data,
    store: home,
    base: 'micro',
    device: 'cpu',
    threads: 1,
    jobFolder: join(root, 'job'),
    overrides: { epochs: 1, batchSize: 4 },
    ...input,
  } satisfies TrainSpecInput);
  await runTraining(spec, {
    store: store.store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    loadPrecisionPair: loadNativePrecisionPair,
    emit: () => undefined,
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
  return store.store.resolveModel(spec.name);
}

/** What the store would hold if another figure had been measured. */
function record({ folder }: StoredModel, dice: number): void {
  const path = join(folder, 'model.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { reducedPrecision: { bfloat16: { dice: number } } };
  manifest.reducedPrecision.bfloat16.dice = dice;
  writeFileSync(path, JSON.stringify(manifest));
}

async function precisionOf(model: string) {
  const program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_PRECISION: 'bfloat16' });
  const client = segmentationClient(program.address);
  const { model: info } = await client.unary('Segment', { model, image: { encoded: (await discImage(90, 70)).png } });
  client.close();
  await program.stop();
  return info?.precision;
}

onBfloat16('a version is measured when it is registered, and served in bfloat16 only where it agrees', async () => {
  const store = await makeStore(home, 'micro', MICRO_ARCHITECTURE);
  const data = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 12, testCount: 0 });
  const polyp = await train(store, join(data.segmentation, 'train'), {});
  const found = polyp.manifest.reducedPrecision?.bfloat16;
  expect(found?.images).toBeGreaterThan(0);
  expect(found?.dice).toBeGreaterThan(0.5);
  expect(readFileSync(join(polyp.folder, 'MODEL_CARD.md'), 'utf8')).toContain('encoder in bfloat16: ');
  expect(describeAgreement(found!)).toMatch(agrees(found) ? /may be served$/ : /may not be served$/);
  const kind = await train(store, join(data.classification, 'train'), { task: 'classification', name: 'kind' });
  expect(kind.manifest.reducedPrecision?.bfloat16?.accuracyPoints).toEqual(expect.any(Number));

  await store.addSegmentation('unmeasured');
  record(polyp, 0.99);
  expect(await precisionOf('polyp')).toBe('PRECISION_BFLOAT16');
  expect(await precisionOf('unmeasured')).toBe('PRECISION_FLOAT32');
  record(polyp, 0.98);
  expect(await precisionOf('polyp')).toBe('PRECISION_FLOAT32');
});

(hasBfloat16 ? test.skip : test)('a CPU without bfloat16 arithmetic does not serve in it', async () => {
  await makeStore(home, 'micro', MICRO_ARCHITECTURE);
  await expect(startProgram('inference', { AUTOMED_HOME: home, AUTOMED_PRECISION: 'bfloat16' })).rejects.toThrow();
});
