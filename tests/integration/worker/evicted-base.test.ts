// A run on a base of an object store, whose copy has made room for others by the time that the result is registered.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../../services/common/file-lock';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { answerNatively } from '../../../services/worker/adapters/native-golden';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { runJob } from '../../../services/worker/domain/training/run-job';
import { trainSpecSchema } from '../../../services/worker/protocol/protocol';
import { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { startObjectStore, type ObjectStore } from '../../support/object-store';
import { microStore } from '../../support/training-service';

jest.setTimeout(120_000);

const root = temporaryFolder();
const before = { ...process.env };
let server: ObjectStore;

beforeAll(async () => {
  server = await startObjectStore(join(root, 'served'), ['models']);
  Object.assign(process.env, server.env);
  await microStore(join(root, 'origin'));
  await server.upload('models', 'site/', join(root, 'origin'));
});

afterAll(async () => {
  process.env = before;
  await server.stop();
});

test('the base is fetched again for the golden image', async () => {
  const home = join(root, 'home');
  const objects = { bucket: 'models', prefix: 'site/', forcePathStyle: true, cacheBytes: 1_000_000_000 };
  const store = await ModelStore.open(home, { objects });
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 8, testCount: 1 });
  const spec = trainSpecSchema.parse({
    ...{ task: 'segmentation', name: 'disc', jobId: 'job-1', data: join(segmentation, 'train'), store: home },
    ...{ base: 'micro', train: 'head', threads: 1, jobFolder: join(root, 'job'), head: { mobilenetWidth: 0.25 } },
    ...{ overrides: { epochs: 1, batchSize: 4, warmupSteps: 0 }, reportImages: false, resume: false },
  });
  const { model } = await runJob(spec, {
    store,
    createTrainer: async (settings) => {
      const trainer = await createNativeTrainer(settings);
      const cache = join(home, 'model-cache');
      expect(readdirSync(cache).filter((name) => name.length === 64)).toHaveLength(1);
      for (const name of readdirSync(cache)) rmSync(join(cache, name));
      return trainer;
    },
    namedHead: namedNativeHead,
    initBase: initNativeBase,
    tryLock,
    emit: () => undefined,
    signal: new AbortController().signal,
    codeVersion: 'test',
    answerGolden: answerNatively,
  });
  expect(model).toBe('disc@1');
  expect((await store.resolveModel('disc')).manifest.golden).toBeDefined();
});
