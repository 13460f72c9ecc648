// Reviews as a resource of the training service: predictions in, decisions that survive a restart, a data set out.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReviewServiceDefinition } from '../../../proto/gen/automed/reviews/v1/ReviewService';
import type { Review__Output } from '../../../proto/gen/automed/reviews/v1/Review';
import { ApiClient } from '../../../services/common/grpc/client';
import { decodeRle } from '../../../services/common/coco-rle';
import { decodeMask, encodeRle } from '../../../services/imaging/mask';
import { datasetClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { writeDiscs } from '../../support/training-service';

const root = temporaryFolder();
const home = join(root, 'home');
const [WIDTH, HEIGHT] = [40, 30];
let service: Program;
let reviews: ApiClient<ReviewServiceDefinition>;
let datasets: ReturnType<typeof datasetClient>;
let image: Buffer;

async function start(): Promise<void> {
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  reviews = new ApiClient('automed.reviews.v1.ReviewService', service.address);
  datasets = datasetClient(service.address);
}

async function stop(): Promise<void> {
  reviews.close();
  datasets.close();
  expect(await service.stop()).toBe(0);
}

beforeAll(async () => {
  mkdirSync(home);
  await start();
});
afterAll(stop);

/** Foreground in the first columns. */
function columns(count: number): string {
  const mask = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => (at % WIDTH < count ? 1 : 0));
  return encodeRle(mask, WIDTH, HEIGHT);
}

const maskOf = (cocoRle: string) => ({ cocoRle, widthPx: WIDTH, heightPx: HEIGHT, structure: 'polyp' });

/** @param probability of the foreground; the lower, the more uncertain */
async function add(name: string, probability: number, changes: object = {}): Promise<Review__Output> {
  image = (await discImage(WIDTH, HEIGHT, name.length)).png;
  const { review } = await reviews.unary('AddReview', {
    queue: 'polyps',
    name,
    group: `patient ${name}`,
    image: { encoded: image },
    finding: {
      segmentation: {
        model: { name: 'polyp', version: 2, baseName: 'micro', baseVersion: 1 },
        threshold: 0.5,
        masks: [{ ...maskOf(columns(10)), meanForegroundProbability: probability }],
      },
    },
    ...changes,
  });
  return review!;
}

const decide = async (id: string, state: 'ACCEPTED' | 'REJECTED' | 'AMENDED', changes: object = {}) =>
  (
    await reviews.unary('DecideReview', {
      id,
      state: `REVIEW_STATE_${state}`,
      reason: state === 'ACCEPTED' ? '' : 'for the test',
      decidedBy: 'ada',
      ...changes,
    })
  ).review!;

async function pending(): Promise<string[]> {
  const names: string[] = [];
  for (let pageToken = ''; ;) {
    const page = await reviews.unary('ListReviews', {
      queue: 'polyps',
      state: 'REVIEW_STATE_PENDING',
      pageSize: 2,
      pageToken,
    });
    names.push(...page.reviews.map(({ name }) => name));
    if ((pageToken = page.nextPageToken) === '') return names;
  }
}

test('the most uncertain comes first, decisions survive a restart, and what was decided becomes a data set', async () => {
  const sure = await add('sure', 0.95);
  const unsure = await add('unsure', 0.6);
  const middling = await add('middling', 0.8);
  expect(unsure.uncertainty).toBeCloseTo(0.8, 5);
  expect(await pending()).toEqual(['unsure', 'middling', 'sure']);
  expect((await add('sure', 0.95)).id).toBe(sure.id);

  await decide(sure.id, 'ACCEPTED');
  await decide(unsure.id, 'REJECTED');
  const amended = await decide(middling.id, 'AMENDED', { masks: [maskOf(columns(20))] });
  expect(amended.decision?.agreement).toBeCloseTo((2 * 10) / 30, 12);
  await stop();
  await start();
  expect(await pending()).toEqual([]);
  const { review, image: kept, decisions } = await reviews.unary('GetReview', { id: middling.id });
  expect(review).toMatchObject({ state: 'REVIEW_STATE_AMENDED', model: 'polyp@2', decisionCount: 1 });
  expect(review?.decision?.masks[0]?.cocoRle).toBe(columns(20));
  expect(review?.finding?.segmentation?.masks[0]?.areaPx).toBe(String(10 * HEIGHT));
  expect(decisions).toMatchObject([{ decidedBy: 'ada', reason: 'for the test' }]);
  expect(Buffer.from(kept?.encoded ?? '').length).toBeGreaterThan(100);

  const { versions } = await reviews.unary('GetAgreement', { model: 'polyp' });
  expect(versions).toMatchObject([{ model: 'polyp@2', count: 3 }]);
  expect(versions[0]?.agreement).toBeCloseTo((1 + 0 + 2 / 3) / 3, 12);

  const published = await reviews.unary('PublishReviewQueue', { queue: 'polyps', dataset: 'polyps-reviewed' });
  expect(published).toMatchObject({ imageCount: 2, amendedCount: 1, dataset: { name: 'polyps-reviewed', version: 1 } });
  const folder = published.dataset?.spec?.location ?? '';
  expect(readdirSync(join(folder, 'images')).sort()).toEqual([sure.id, middling.id].map((id) => `${id}.png`).sort());
  const written = await decodeMask(readFileSync(join(folder, 'masks', `${middling.id}.png`)));
  expect(written.mask).toEqual(decodeRle(columns(20), WIDTH, HEIGHT));
  expect(readFileSync(join(folder, 'manifest.csv'), 'utf8')).toContain(`${sure.id},"patient sure"`);
  const checked = async (): Promise<string> =>
    (await datasets.unary('GetDataset', { dataset: 'polyps-reviewed@1' })).dataset?.state ?? '';
  while ((await checked()) === 'DATASET_STATE_CHECKING') await sleep(100);
  expect(await checked()).toBe('DATASET_STATE_READY');
  const again = await reviews.unary('PublishReviewQueue', { queue: 'polyps', dataset: 'polyps-reviewed' });
  expect(again.dataset?.version).toBe(2);
});

test('what decides nothing, or decides something else than it says, is refused by its field', async () => {
  const { id } = await add('refusals', 0.9);
  await expect(decide(id, 'REJECTED', { reason: ' ' })).rejects.toMatchObject({ field: 'reason' });
  await expect(decide(id, 'AMENDED')).rejects.toMatchObject({ field: 'masks' });
  const [short] = ['0'];
  await expect(decide(id, 'AMENDED', { masks: [maskOf(short)] })).rejects.toMatchObject({ field: 'masks[0].coco_rle' });
  const other = { ...maskOf(columns(3)), structure: 'vessel' };
  await expect(decide(id, 'AMENDED', { masks: [other] })).rejects.toMatchObject({ field: 'masks[0].structure' });
  await expect(decide(id, 'ACCEPTED', { className: 'polyp' })).rejects.toMatchObject({ field: 'class_name' });
  await expect(decide('0'.repeat(32), 'ACCEPTED')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(add('refusals', 0.9, { image: { encoded: Buffer.from('another') } })).rejects.toMatchObject({
    field: 'name',
  });
  await expect(add('x', 0.9, { finding: null })).rejects.toMatchObject({ field: 'finding' });
  await expect(add('x', 0.9, { queue: 'No Name' })).rejects.toMatchObject({ field: 'queue' });
  await expect(reviews.unary('PublishReviewQueue', { queue: 'nobodys' })).rejects.toMatchObject({ field: 'queue' });
});

test('of two who decide at once the second is told, and a decision that is repeated counts once', async () => {
  const { id } = await add('at once', 0.9);
  await decide(id, 'ACCEPTED');
  expect((await decide(id, 'ACCEPTED')).decisionCount).toBe(1);
  await expect(decide(id, 'REJECTED')).rejects.toMatchObject({ code: 'ILLEGAL_STATE', field: 'decision_count' });
  expect((await decide(id, 'REJECTED', { decisionCount: 1 })).decisionCount).toBe(2);
  const { decisions } = await reviews.unary('GetReview', { id });
  expect(decisions.map(({ state }) => state)).toEqual(['REVIEW_STATE_ACCEPTED', 'REVIEW_STATE_REJECTED']);
});

test('classes are accepted, and replaced by another one of the model', async () => {
  const classified = (name: string, predictedClass: string) =>
    add(name, 0, {
      queue: 'tumours',
      finding: {
        classification: {
          model: { name: 'tumour', version: 1 },
          predictedClass,
          probabilities: ['glioma', 'none'].map((className) => ({
            className,
            probability: className === predictedClass ? 0.9 : 0.1,
          })),
        },
      },
    });
  const [first, second] = [await classified('one', 'glioma'), await classified('other one', 'glioma')];
  await expect(decide(second.id, 'AMENDED', { className: 'bone' })).rejects.toMatchObject({ field: 'class_name' });
  await decide(first.id, 'ACCEPTED');
  await decide(second.id, 'AMENDED', { className: 'none' });
  const { dataset, imageCount } = await reviews.unary('PublishReviewQueue', { queue: 'tumours' });
  expect(imageCount).toBe(2);
  const folder = dataset?.spec?.location ?? '';
  expect(readdirSync(join(folder, 'glioma'))).toEqual([`${first.id}.png`]);
  expect(readdirSync(join(folder, 'none'))).toEqual([`${second.id}.png`]);
  const { queues } = await reviews.unary('ListReviewQueues', {});
  expect(queues.find(({ name }) => name === 'tumours')).toMatchObject({ acceptedCount: 1, amendedCount: 1 });
  expect(await reviews.unary('DeleteReviewQueue', { queue: 'tumours' })).toEqual({ deletedCount: 2 });
  await expect(reviews.unary('GetReview', { id: first.id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('one review that cannot be written does not hold back the others: it is named with why', async () => {
  const classified = (name: string, predictedClass: string) =>
    add(name, 0, {
      queue: 'one-bad',
      finding: {
        classification: {
          model: { name: 'tumour', version: 1 },
          predictedClass,
          probabilities: ['glioma', 'a/b'].map((className) => ({
            className,
            probability: className === predictedClass ? 0.9 : 0.1,
          })),
        },
      },
    });
  const [good, bad] = [await classified('good', 'glioma'), await classified('bad', 'a/b')];
  await decide(bad.id, 'ACCEPTED');
  await expect(reviews.unary('PublishReviewQueue', { queue: 'one-bad' })).rejects.toThrow(`bad (review ${bad.id})`);
  await decide(good.id, 'ACCEPTED');
  const { dataset, imageCount, skipped } = await reviews.unary('PublishReviewQueue', { queue: 'one-bad' });
  expect({ imageCount, skipped }).toEqual({
    imageCount: 1,
    skipped: [{ id: bad.id, name: 'bad', problem: expect.stringContaining('"a/b"') as string }],
  });
  expect(readdirSync(dataset?.spec?.location ?? '')).toContain('glioma');
  expect(readdirSync(dataset?.spec?.location ?? '')).not.toContain('a');
});

test('answers of models of different kinds are refused by the name of one of the fewer', async () => {
  for (const name of ['mask', 'masked']) await decide((await add(name, 0.9, { queue: 'mixed' })).id, 'ACCEPTED');
  const odd = await add('class', 0, {
    queue: 'mixed',
    finding: {
      classification: {
        model: { name: 'tumour', version: 1 },
        predictedClass: 'glioma',
        probabilities: [{ className: 'glioma', probability: 1 }],
      },
    },
  });
  await decide(odd.id, 'ACCEPTED');
  await expect(reviews.unary('PublishReviewQueue', { queue: 'mixed' })).rejects.toThrow(
    `1 of 3, such as class (review ${odd.id}) by tumour@1`,
  );
});

test('samples of a data set are shown with their masks, by their names and those of findings; no other file is', async () => {
  const location = writeDiscs(join(root, 'discs'), 5);
  writeFileSync(join(location, 'secret.txt'), 'not to be read');
  await datasets.unary('RegisterDataset', { spec: { name: 'discs', task: 'TASK_SEGMENTATION', location } });
  await expect(datasets.unary('ListDatasetSamples', { dataset: 'discs' })).rejects.toMatchObject({
    code: 'ILLEGAL_STATE',
  });
  await datasets.unary('ValidateDataset', { dataset: 'discs' });
  const state = async () => (await datasets.unary('GetDataset', { dataset: 'discs' })).dataset?.state;
  while ((await state()) === 'DATASET_STATE_CHECKING') await sleep(100);
  const page = await datasets.unary('ListDatasetSamples', { dataset: 'discs', pageSize: 3 });
  expect(page).toMatchObject({ totalCount: 5, nextPageToken: '3' });
  expect(page.samples[0]).toMatchObject({ name: 'images/0.png', part: 'train' });
  for (const name of ['images/0.png', 'masks/0.png']) {
    const {
      sample,
      image: read,
      masks,
      problem,
    } = await datasets.unary('ReadDatasetSample', { dataset: 'discs', name });
    expect(sample?.name).toBe('images/0.png');
    expect(Buffer.from(read?.encoded ?? '')).toEqual(readFileSync(join(location, 'images/0.png')));
    expect(Number(masks[0]?.areaPx)).toBeGreaterThan(50);
    expect(problem).toBe('');
  }
  writeFileSync(join(location, 'masks', '1.png'), 'damaged');
  const damaged = await datasets.unary('ReadDatasetSample', { dataset: 'discs', name: 'images/1.png' });
  expect(damaged.problem).not.toBe('');
  for (const name of ['secret.txt', '../home/training.db', '/etc/passwd']) {
    await expect(datasets.unary('ReadDatasetSample', { dataset: 'discs', name })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  }
});
