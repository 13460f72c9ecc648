// The rules of promoting on a real store and a real database; what agreement measures has its own test.

import { join } from 'node:path';
import { rmSync, writeFileSync } from 'node:fs';
import { automedError } from '../../../../../../services/common/errors';
import { ModelStore, type ModelDraft } from '../../../../../../services/store';
import { SqlPromotionLog } from '../../../../../../services/training/adapters/promotion-log';
import type { Agreement, Evaluations } from '../../../../../../services/training/domain/promotions/promotion';
import type { EvaluatedModel } from '../../../../../../services/worker/protocol/evaluation-results';
import {
  Promotions,
  type PromoteCommand,
  type PromotionDependencies,
  type RollbackCommand,
} from '../../../../../../services/training/domain/promotions/promotions';
import { modelDraft, temporaryFolder, writeWeights } from '../../../../../support/data';
import { openJobDatabase } from '../../../../../support/job-database';

const folder = temporaryFolder();
let count = 0;
const never = new AbortController().signal;

async function setUp(scores: number[] = [0.7, 0.8, 0.9]) {
  count += 1;
  const root = join(folder, String(count));
  const store = await ModelStore.open(root);
  for (const mdsc of scores) {
    const draft: ModelDraft = { ...modelDraft('polyp'), metrics: { test: { mdsc, images: 20 } } };
    await store.registerModel(draft, writeWeights(`weights ${mdsc}`));
  }
  const database = openJobDatabase(join(root, 'training.db'));
  opened.push(database);
  const compared: [number, number, string][] = [];
  const agreement: Agreement = { value: 0.97, images: 12 };
  const measured: Partial<EvaluatedModel> = {};
  const evaluations: Evaluations = {
    evaluatedModel: async (id) => {
      const [, version] = /^evaluation-of-(\d)$/.exec(id) ?? [];
      if (version === undefined) throw automedError('NOT_FOUND', `There is no evaluation ${id}.`, { field: 'id' });
      return { name: 'polyp', version: Number(version), metrics: { mdsc: 0.55, images: 40 }, ...measured };
    },
  };
  const dependencies: PromotionDependencies = {
    log: new SqlPromotionLog(database),
    aliases: store,
    evaluations,
    measureAgreement: async ({ candidate, current, evaluation }) => {
      compared.push([candidate.manifest.version, current.manifest.version, evaluation]);
      return agreement;
    },
  };
  const promotions = new Promotions(dependencies);
  const promote = (model: string, changes: Partial<PromoteCommand> = {}) =>
    promotions.promote({ ...command, model, ...changes }, never);
  const rollback = (changes: Partial<RollbackCommand> = {}) =>
    promotions.rollback({ model: 'polyp', alias: 'production', ...caller, ...changes });
  const current = async (): Promise<number | undefined> => (await store.aliases('polyp'))['production'];
  return { dependencies, store, promotions, promote, rollback, current, compared, agreement, measured };
}

const opened: { close(): void }[] = [];
afterAll(() => opened.forEach((database) => database.close()));

const gate = (minimum: number, evaluation = '') => ({ metric: 'mdsc', minimum, evaluation });
const caller = { reason: '', requestedBy: 'ada', requestId: '' };
const command: PromoteCommand = {
  ...caller,
  model: 'polyp',
  alias: 'production',
  gates: [gate(0.6)],
  agreement: undefined,
  force: false,
};

test('a version that reaches its gates takes the alias, and the record says how', async () => {
  const { promote, promotions, current } = await setUp();
  const done = await promote('polyp@2', { reason: 'better on small polyps' });
  expect(await current()).toBe(2);
  expect(done).toMatchObject({
    kind: 'promotion',
    state: 'DONE',
    fromVersion: null,
    toVersion: 2,
    requestedBy: 'ada',
    reason: 'better on small polyps',
    gates: [{ metric: 'mdsc', minimum: 0.6, measured: 0.8, passed: true, images: 20 }],
  });
  expect(promotions.list({ model: 'polyp', alias: '' }, { size: 0, token: '' }).items).toEqual([done]);
});

test('a version below a gate is refused with what was measured, and the refusal is recorded', async () => {
  const { promote, promotions, current } = await setUp();
  await promote('polyp@2');
  await expect(promote('polyp@1', { gates: [gate(0.6), gate(0.75)] })).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
    field: 'gates',
    message:
      'polyp@1 does not become polyp@production: mdsc is 0.7 as recorded at training (20 images), below 0.75; polyp@2 stays.',
  });
  expect(await current()).toBe(2);
  const [newest] = promotions.list({ model: '', alias: '' }, { size: 1, token: '' }).items;
  expect(newest).toMatchObject({
    state: 'REFUSED',
    fromVersion: 2,
    toVersion: 1,
    gates: [{ passed: true }, { passed: false }],
  });
});

test('a gate on an evaluation looks at it, and only at one of this very version', async () => {
  const { promote } = await setUp();
  await expect(promote('polyp@2', { gates: [gate(0.6, 'evaluation-of-2')] })).rejects.toMatchObject({
    message: expect.stringContaining('mdsc is 0.55 in evaluation evaluation-of-2 (40 images), below 0.6'),
  });
  await expect(promote('polyp@2', { gates: [gate(0.6, 'evaluation-of-1')] })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'gates[0].evaluation',
  });
  await expect(promote('polyp@2', { gates: [gate(0.6, 'nowhere')] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

const ofVersion2 = { gates: [gate(0.5, 'evaluation-of-2')] };

test('an evaluation of other weights under the same number counts for nothing', async () => {
  const { promote, measured, store } = await setUp();
  const { manifest } = await store.resolveModel('polyp@2');
  Object.assign(measured, { sha256: manifest.weights.sha256, baseSha256: manifest.base.sha256, part: 'test' });
  Object.assign(measured, { threshold: manifest.task === 'segmentation' ? manifest.threshold : null });
  await promote('polyp@2', ofVersion2);
  for (const other of [{ sha256: 'f'.repeat(64) }, { baseSha256: 'e'.repeat(64) }]) {
    const { promote: again, measured: theirs } = await setUp();
    Object.assign(theirs, { ...measured, ...other });
    await expect(again('polyp@2', { ...ofVersion2, force: true, reason: 'x' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'gates[0].evaluation',
      message: expect.stringContaining('other weights than polyp@2 has now'),
    });
  }
});

test.each<[string, Partial<EvaluatedModel>, string]>([
  ['of images that the version has seen', { part: 'test', seen: 13 }, 'has seen 13 of the images in its training'],
  ['of the part that it was trained on', { part: 'train' }, 'it is of the train images'],
  ['of the part that selected its checkpoint', { part: 'validation', seen: null }, 'it is of the validation images'],
  ['of everything, which may have been seen', { part: 'all' }, 'does not record which of them it has seen'],
  ['at another threshold than its own', { threshold: 0.2 }, 'at the threshold 0.2, and the version has 0.5'],
  ['of few images', { metrics: { mdsc: 0.55, images: 9 } }, 'rests on 9 images, fewer than 10'],
  [
    'of few images among many',
    { metrics: { images: 40, mdsc: 0.55, 'mdsc.images': 1 } },
    'rests on 1 image, fewer than 10',
  ],
  ['of nobody knows how many images', { metrics: { mdsc: 0.55 } }, 'it is not recorded how many images it rests on'],
  ['of no image', { metrics: { mdsc: 0.55, images: 0 } }, 'rests on 0 images, fewer than 10'],
])('a score %s lets no version pass but by force, and the record says why', async (_, how, why) => {
  const { promote, promotions, measured, current } = await setUp();
  Object.assign(measured, how);
  await expect(promote('polyp@2', ofVersion2)).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
    field: 'gates',
    message: expect.stringContaining(why),
  });
  expect(await current()).toBeUndefined();
  const [refused] = promotions.list({ model: '', alias: '' }, { size: 1, token: '' }).items;
  expect(refused?.gates).toMatchObject([{ passed: false, measured: 0.55, problem: expect.stringContaining(why) }]);
  const forced = await promote('polyp@2', { ...ofVersion2, force: true, reason: 'known' });
  expect(forced).toMatchObject({ state: 'DONE', forced: true, gates: [{ passed: false }] });
});

test('everything is unseen where the version records that it has seen none of it', async () => {
  const { promote, measured } = await setUp();
  Object.assign(measured, { part: 'all', seen: 0 });
  expect(await promote('polyp@2', ofVersion2)).toMatchObject({ state: 'DONE' });
});

test("the number of images is the caller's, for agreement too", async () => {
  const { promote, measured } = await setUp();
  Object.assign(measured, { metrics: { mdsc: 0.55, images: 4 } });
  expect(await promote('polyp@2', { ...ofVersion2, minimumImages: 4 })).toMatchObject({ gates: [{ images: 4 }] });
  const agreement = { minimum: 0.9, evaluation: 'evaluation-of-3' };
  const alike = { gates: [], agreement, minimumImages: 13 };
  await expect(promote('polyp@3', alike)).rejects.toMatchObject({
    message: expect.stringContaining('it rests on 12 images, fewer than 13'),
  });
  await expect(promote('polyp@3', { minimumImages: 0 })).rejects.toMatchObject({ field: 'minimum_images' });
});

test('a score that is better when it is lower has a maximum, and a distance without the misses lets nothing pass', async () => {
  const { promote, measured } = await setUp();
  const scores = { hd95_px: 3, 'hd95_px.high': 4, hd95_penalized_px: 9, ece: 0.02, 'structure.cup.asd_px': 2 };
  Object.assign(measured, { metrics: { images: 40, ...scores } });
  const below = (metric: string, maximum: number) => ({ metric, minimum: 0, maximum, evaluation: 'evaluation-of-2' });
  const done = await promote('polyp@2', { gates: [below('hd95_px.high', 5), below('structure.cup.asd_px', 2)] });
  expect(done.gates).toMatchObject([{ maximum: 5, measured: 4, passed: true }, { passed: true }]);
  await expect(promote('polyp@2', { alias: 'b', gates: [below('ece', 0.01)] })).rejects.toMatchObject({
    message: expect.stringContaining('ece is 0.02 in evaluation evaluation-of-2 (40 images), above 0.01'),
  });
  Object.assign(measured, { metrics: { images: 40, ...scores, 'hd95_px.images': 21 } });
  await expect(promote('polyp@2', { alias: 'b', gates: [below('hd95_px', 5)] })).rejects.toMatchObject({
    message: expect.stringContaining('it leaves out 19 of 40 images, on which one of the masks is empty'),
  });
  expect(await promote('polyp@2', { alias: 'b', gates: [below('hd95_penalized_px', 9)] })).toMatchObject({
    state: 'DONE',
  });
});

test('scores of validation images, which selected the checkpoint, let nothing pass', async () => {
  const { promote, store } = await setUp([]);
  const metrics = { validation: { mdsc: 0.9, images: 20 } };
  await store.registerModel({ ...modelDraft('polyp'), metrics }, writeWeights('validated'));
  await expect(promote('polyp@1')).rejects.toMatchObject({
    message: expect.stringContaining('it is of the validation images, which selected the checkpoint'),
  });
  expect(await promote('polyp@1', { force: true, reason: 'a trial' })).toMatchObject({ forced: true });
});

test('a recall that a version of before records rests on the images of its class', async () => {
  const { store, promote } = await setUp([]);
  const metrics = { test: { images: 90, classes: [{ name: 'flat', recall: 1, support: 3 }] } };
  await store.registerModel({ ...modelDraft('polyp'), metrics }, writeWeights('recall'));
  const gates = [{ metric: 'class.flat.recall', minimum: 0.5, evaluation: '' }];
  await expect(promote('polyp@1', { gates })).rejects.toMatchObject({
    message: expect.stringContaining('it rests on 3 images, fewer than 10'),
  });
});

test('scores of test images that the base was trained on let nothing pass', async () => {
  const { promote, store } = await setUp([]);
  const draft = modelDraft('polyp');
  const dataset = { ...draft.dataset, seenBefore: { test: 4 } };
  await store.registerModel({ ...draft, dataset, metrics: { test: { mdsc: 0.9, images: 20 } } }, writeWeights('seen'));
  await expect(promote('polyp@1')).rejects.toMatchObject({
    message: expect.stringContaining('the base or the model that it began as has seen 4 of the images'),
  });
});

test('a score that does not exist is an error that names those that do', async () => {
  const { promote, promotions } = await setUp();
  await expect(promote('polyp@2', { gates: [{ ...gate(0.5), metric: 'accuracy' }] })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'gates[0].metric',
    message: expect.stringContaining('test.mdsc'),
  });
  expect(promotions.list({ model: '', alias: '' }, { size: 0, token: '' }).items).toEqual([]);
});

test('agreement compares with the version in place, on the images of the evaluation that gates name', async () => {
  const { promote, compared, agreement, current } = await setUp();
  const gates = [gate(0.5, 'evaluation-of-2')];
  const first = await promote('polyp@2', { gates, agreement: { minimum: 0.95, evaluation: '' } });
  expect(first.gates[1]).toMatchObject({ metric: 'agreement', measured: null, passed: true });
  expect(compared).toEqual([]);
  const wanted = { minimum: 0.95, evaluation: 'evaluation-of-3' };
  await promote('polyp@3', { agreement: wanted });
  expect(compared).toEqual([[3, 2, 'evaluation-of-3']]);
  agreement.value = 0.9;
  await expect(promote('polyp@1', { agreement: wanted })).rejects.toMatchObject({
    message: expect.stringContaining('agreement is 0.9 in evaluation evaluation-of-3 (12 images), below 0.95'),
  });
  await expect(promote('polyp@1', { agreement: { minimum: 0.95, evaluation: '' } })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'agreement.evaluation',
  });
  expect(await current()).toBe(3);
});

test('force overrules gates, needs a reason, and shows in the record with what was measured', async () => {
  const { promote, current } = await setUp();
  const forced = { gates: [gate(0.99)], force: true };
  await expect(promote('polyp@1', forced)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'reason' });
  const done = await promote('polyp@1', { ...forced, reason: 'the other one crashes' });
  expect(done).toMatchObject({ forced: true, state: 'DONE', gates: [{ measured: 0.7, passed: false }] });
  expect(await current()).toBe(1);
});

test('rollbacks take promotions back one by one', async () => {
  const { promote, rollback, current } = await setUp();
  for (const version of [1, 2, 3]) await promote(`polyp@${version}`);
  expect(await rollback({ reason: 'complaints' })).toMatchObject({ kind: 'rollback', fromVersion: 3, toVersion: 2 });
  expect(await current()).toBe(2);
  await rollback();
  expect(await current()).toBe(1);
  await expect(rollback()).rejects.toMatchObject({ code: 'ILLEGAL_STATE', field: 'alias' });
  await expect(rollback({ alias: 'trial' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(rollback({ model: 'polyp@3' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'model' });
});

test('weights that changed since they were registered are not promoted', async () => {
  const { promote, store, current } = await setUp();
  writeFileSync((await store.resolveModel('polyp@2')).weightsPath, 'weights 0.X');
  await expect(promote('polyp@2')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  expect(await current()).toBeUndefined();
});

test('a repeated request finds the first one, and one with other contents is refused', async () => {
  const { promote, rollback, promotions, current } = await setUp();
  const first = await promote('polyp@2', { requestId: 'release-7' });
  await promote('polyp@3');
  expect(await promote('polyp@2', { requestId: 'release-7' })).toEqual(first);
  expect(await current()).toBe(3);
  await expect(promote('polyp@1', { requestId: 'release-7' })).rejects.toMatchObject({ field: 'request_id' });
  const back = await rollback({ requestId: 'back-1' });
  expect(await rollback({ requestId: 'back-1' })).toEqual(back);
  expect(await current()).toBe(2);
  await expect(promote('polyp@1', { gates: [gate(1)], requestId: 'no' })).rejects.toMatchObject({ field: 'gates' });
  await expect(promote('polyp@1', { gates: [gate(1)], requestId: 'no' })).rejects.toMatchObject({ field: 'gates' });
  expect(promotions.list({ model: '', alias: '' }, { size: 0, token: '' }).items).toHaveLength(4);
});

test.each<[string, Partial<PromoteCommand>]>([
  ['gates', { gates: [] }],
  ['gates[0].metric', { gates: [{ ...gate(0.5), metric: '' }] }],
  ['gates[0].minimum', { gates: [gate(NaN)] }],
  ['gates[0].metric', { gates: [{ ...gate(0.5), metric: 'mdcs' }] }],
  ['gates[0].minimum', { gates: [{ ...gate(5), metric: 'hd95_px' }] }],
  ['gates[0].minimum', { gates: [{ ...gate(0.05), metric: 'test.ece.high' }] }],
  ['gates[0].maximum', { gates: [{ ...gate(0), maximum: 0.8 }] }],
  // In percent: everything would pass.
  ['gates[0].maximum', { gates: [{ ...gate(0), metric: 'miss_rate', maximum: 5 }] }],
  ['gates[0].maximum', { gates: [{ ...gate(0), metric: 'test.class.a.brier.high', maximum: 2.5 }] }],
  ['gates[0].maximum', { gates: [{ ...gate(2), metric: 'ece', maximum: 3 }] }],
  ['agreement.minimum', { agreement: { minimum: 1.2, evaluation: '' } }],
  ['alias', { alias: '3' }],
  ['model', { model: 'polyp@production' }],
  ['request_id', { requestId: 'with space' }],
  ['reason', { reason: 'x'.repeat(1001) }],
])('a malformed %s is named', async (field, changes) => {
  const { promote } = await setUp();
  await expect(promote('polyp@2', changes)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
});

test('promotions of one alias at the same time come one after the other', async () => {
  const { promote, promotions, current } = await setUp();
  await Promise.all([1, 2, 3].map((version) => promote(`polyp@${version}`)));
  const chain = promotions.list({ model: 'polyp', alias: 'production' }, { size: 0, token: '' }).items.reverse();
  expect(chain.map(({ fromVersion }) => fromVersion)).toEqual([
    null,
    ...chain.slice(0, 2).map((each) => each.toVersion),
  ]);
  expect(await current()).toBe(chain[2]?.toVersion);
});

test('an alias that somebody else moved while gates were measured stays where it is', async () => {
  const { dependencies, store, promote, current } = await setUp();
  await promote('polyp@1');
  const meddling = new Promotions({
    ...dependencies,
    evaluations: {
      evaluatedModel: async () => {
        await store.setAlias('polyp', 'production', 3);
        return { name: 'polyp', version: 2, metrics: { mdsc: 1, images: 20 } };
      },
    },
  });
  const meddled = meddling.promote({ ...command, model: 'polyp@2', gates: [gate(0.5, 'any')] }, never);
  await expect(meddled).rejects.toMatchObject({ code: 'ILLEGAL_STATE', field: 'alias' });
  expect(await current()).toBe(3);
});

test('an alias is left to promotions once it was promoted, also by a service of before that left no mark', async () => {
  const { store, promote, promotions, dependencies } = await setUp();
  await store.setAlias('polyp', 'trial', 1);
  await promote('polyp@1');
  expect([await store.isReserved('polyp', 'production'), await store.isReserved('polyp', 'trial')]).toEqual([
    true,
    false,
  ]);
  expect(await store.aliases('polyp')).toEqual({ production: 1, trial: 1 });
  await store.deleteAlias('polyp', 'production');
  expect(await store.isReserved('polyp', 'production')).toBe(true);
  rmSync(join(store.root, 'models', 'polyp', 'aliases', '.production.promoted'));
  await store.setAlias('polyp', 'production', 2);
  expect(await store.isReserved('polyp', 'production')).toBe(false);
  await new Promotions(dependencies).reconcile();
  expect(await store.isReserved('polyp', 'production')).toBe(true);
  await store.deleteModel('polyp', undefined, { force: true });
  await promotions.reconcile();
  // Numbers are not given twice and reservations outlive the versions, so what is left is these alone.
  expect(await store.isReserved('polyp', 'production')).toBe(true);
  expect(await store.aliases('polyp')).toEqual({});
  expect(await store.listModels()).toEqual([]);
});

test('lists go by pages, the newest first, and filter', async () => {
  const { promote, promotions } = await setUp();
  for (const version of [1, 2, 3]) await promote(`polyp@${version}`);
  await promote('polyp@1', { alias: 'trial' });
  const all = { model: '', alias: '' };
  const first = promotions.list(all, { size: 3, token: '' });
  const second = promotions.list(all, { size: 3, token: first.nextPageToken });
  const seen = [...first.items, ...second.items].map(({ alias, toVersion }) => `${alias}=${toVersion}`);
  expect(seen).toEqual(['trial=1', 'production=3', 'production=2', 'production=1']);
  expect(second.nextPageToken).toBe('');
  expect(promotions.list({ model: 'polyp', alias: 'trial' }, { size: 0, token: '' }).items).toHaveLength(1);
  expect(promotions.list({ model: 'lesion', alias: '' }, { size: 0, token: '' }).items).toEqual([]);
  expect(() => promotions.list(all, { size: -1, token: '' })).toThrow(expect.objectContaining({ field: 'page_size' }));
  expect(() => promotions.list(all, { size: 1, token: 'eHg' })).toThrow(
    expect.objectContaining({ field: 'page_token' }),
  );
});
