// The training program over a real socket: a version that passes its gates serves, one that does not is refused.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../../../../services/common/grpc/client';
import type { PromotionServiceDefinition } from '../../../../proto/gen/automed/models/v1/PromotionService';
import { ModelStore } from '../../../../services/store';
import { modelDraft, temporaryFolder, writeWeights } from '../../../support/data';
import { startProgram, type Program } from '../../../support/stack';

jest.setTimeout(60_000);

const home = temporaryFolder();
let store: ModelStore;
let program: Program;
let client: ApiClient<PromotionServiceDefinition>;

beforeAll(async () => {
  store = await ModelStore.open(home);
  for (const mdsc of [0.7, 0.8]) {
    const draft = { ...modelDraft('polyp'), metrics: { test: { mdsc, images: 19 } } };
    await store.registerModel(draft, writeWeights(String(mdsc)));
  }
  program = await startProgram('training', { AUTOMED_HOME: home });
  client = new ApiClient('automed.models.v1.PromotionService', program.address);
});

afterAll(async () => {
  client.close();
  expect(await program.stop()).toBe(0);
});

test('promotes, refuses, takes back and tells all of it', async () => {
  const ask = (model: string, minimum: number) =>
    client.unary('PromoteModel', {
      model,
      alias: 'production',
      gates: [{ metric: 'mdsc', minimum }],
      requestedBy: 'ada',
    });
  const { promotion } = await ask('polyp@1', 0.5);
  expect(promotion).toMatchObject({
    state: 'PROMOTION_STATE_DONE',
    toVersion: 1,
    gates: [{ measured: 0.7, imageCount: 19 }],
  });
  expect(promotion?.fromVersion).toBeUndefined();
  await ask('polyp', 0.75);
  await expect(ask('polyp@1', 0.75)).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
    field: 'gates',
    message: expect.stringMatching(/0\.7 /),
  });
  expect(await store.aliases('polyp')).toEqual({ production: 2 });
  const back = await client.unary('RollbackAlias', { model: 'polyp', alias: 'production', reason: 'complaints' });
  expect(back.promotion).toMatchObject({ kind: 'PROMOTION_KIND_ROLLBACK', fromVersion: 2, toVersion: 1 });
  expect(await store.aliases('polyp')).toEqual({ production: 1 });
  const { promotions } = await client.unary('ListPromotions', { model: 'polyp' });
  expect(promotions.map(({ state, toVersion }) => `${state.split('_').at(-1)} ${toVersion}`)).toEqual([
    'DONE 1',
    'REFUSED 1',
    'DONE 2',
    'DONE 1',
  ]);
  expect(promotions[0]).toMatchObject({ reason: 'complaints', requestedBy: '' });
  expect(promotions[3]).toMatchObject({ requestedBy: 'ada', alias: 'production' });
  expect(Number(promotions[3]?.createTime?.seconds)).toBeGreaterThan(1.7e9);
});

test('an evaluation that does not exist is named', async () => {
  const gates = [{ metric: 'mdsc', minimum: 0, evaluation: 'nowhere' }];
  await expect(client.unary('PromoteModel', { model: 'polyp@2', alias: 'trial', gates })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

test('the program loads no addon', () => {
  const maps = spawnSync('grep', ['-cF', '/automed.node', `/proc/${program.child.pid}/maps`], { encoding: 'utf8' });
  expect(maps.stdout.trim()).toBe('0');
  expect(readdirSync(join(home, 'models', 'polyp'))).toContain('aliases');
});

test('the record says who asked as the gateway knows them, not as they call themselves', async () => {
  const metadata = { 'automed-principal': 'key:ci' };
  const ask = async (alias: string, requestedBy: string): Promise<string | undefined> => {
    const request = { model: 'polyp@1', alias, force: true, reason: 'trial', requestedBy };
    return (await client.unary('PromoteModel', request, { metadata })).promotion?.requestedBy;
  };
  expect(await ask('a', '')).toBe('key:ci');
  expect(await ask('b', 'ada')).toBe('key:ci for ada');
  expect(await ask('c', 'key:ci')).toBe('key:ci');
  await client.unary('PromoteModel', { model: 'polyp@2', alias: 'b', force: true, reason: 'trial' }, { metadata });
  const back = { model: 'polyp', alias: 'b', reason: 'trial', requestedBy: 'boss' };
  expect((await client.unary('RollbackAlias', back, { metadata })).promotion?.requestedBy).toBe('key:ci for boss');
});
