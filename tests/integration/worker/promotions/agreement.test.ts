// A promotion that asks for a score of an evaluation and for agreement with the version in place: evaluation and comparison
// run in workers, as they do behind the service.

import { join } from 'node:path';
import { ApiClient } from '../../../../services/common/grpc/client';
import type { PromotionServiceDefinition } from '../../../../proto/gen/automed/models/v1/PromotionService';
import { launchWorker } from '../../../../services/worker/launch/launch-worker';
import { writeDemoData } from '../../../../services/synthetic/demo-data';
import { temporaryFolder } from '../../../support/data';
import { MICRO_ARCHITECTURE } from '../../../support/micro';
import { startProgram, type Program } from '../../../support/stack';
import { makeStore, type TestStore } from '../../../support/stack-store';

jest.setTimeout(120_000);

const root = temporaryFolder();
const home = join(root, 'home');
let store: TestStore;
let program: Program;
let client: ApiClient<PromotionServiceDefinition>;

beforeAll(async () => {
  store = await makeStore(home, 'micro', MICRO_ARCHITECTURE);
  // The second is a twin of the first.
  for (const seed of [2, 2, 5]) await store.addSegmentation('polyp', seed);
  const { segmentation: data } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 2, testCount: 4 });
  for (const version of [2, 3]) {
    const spec = { id: `of-${version}`, model: `polyp@${version}`, store: home, data, threads: 1 };
    await launchWorker({ type: 'evaluate', spec }, { env: process.env });
    const whole = { ...spec, id: `${spec.id}-all`, part: 'all' as const };
    if (version === 2) await launchWorker({ type: 'evaluate', spec: whole }, { env: process.env });
  }
  await store.store.setAlias('polyp', 'production', 1);
  program = await startProgram('training', { AUTOMED_HOME: home });
  client = new ApiClient('automed.models.v1.PromotionService', program.address);
});

afterAll(async () => {
  client.close();
  expect(await program.stop()).toBe(0);
});

const ask = (version: number, minimum: number, agreement: number) =>
  client.unary('PromoteModel', {
    model: `polyp@${version}`,
    alias: 'production',
    gates: [{ metric: 'mdsc', minimum, evaluation: `of-${version}` }],
    agreement: { minimum: agreement },
    minimumImages: 4,
  });

test('a twin agrees fully with the version in place and takes over', async () => {
  const { promotion } = await ask(2, 0, 1);
  expect(promotion?.gates).toMatchObject([
    { metric: 'mdsc', evaluation: 'of-2', imageCount: 4, passed: true },
    { metric: 'agreement', evaluation: 'of-2', imageCount: 4, measured: 1, passed: true },
  ]);
  expect(await store.store.aliases('polyp')).toEqual({ production: 2 });
});

test('an evaluation of all parts compares on all of them', async () => {
  const { promotion } = await client.unary('PromoteModel', {
    model: 'polyp@1',
    alias: 'production',
    agreement: { minimum: 1, evaluation: 'of-2-all' },
    minimumImages: 6,
  });
  expect(promotion?.gates).toMatchObject([{ metric: 'agreement', evaluation: 'of-2-all', imageCount: 6, measured: 1 }]);
});

test('a score that an evaluation did not find holds a version back before anything is compared', async () => {
  await expect(ask(3, 1.01, 0)).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
    message: expect.stringMatching(/in evaluation of-3 \(4 images\)/),
  });
  const [newest] = (await client.unary('ListPromotions', { pageSize: 1 })).promotions;
  expect(newest).toMatchObject({ state: 'PROMOTION_STATE_REFUSED', gates: [{ metric: 'mdsc' }] });
  expect(newest?.gates).toHaveLength(1);
});

test('an evaluation of another version counts for nothing', async () => {
  const gates = [{ metric: 'mdsc', minimum: 0, evaluation: 'of-2' }];
  const request = { model: 'polyp@3', alias: 'production', gates };
  await expect(client.unary('PromoteModel', request)).rejects.toMatchObject({ field: 'gates[0].evaluation' });
});
