// The review queue as a person uses it: by keyboard alone, until it is a data set; and links to results.

import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { decodeRle } from '../../services/common/coco-rle';
import { makeStore } from '../support/stack-store';
import { writeDiscs } from '../support/training-service';
import { openPage, picture, startBrowser } from './browser';
import { startServices, type Running } from './services';

interface ReviewMessage {
  id: string;
  name: string;
  uncertainty?: number;
  state: string;
}

let browser: Browser;
let services: Running;

const ask = async <T>(method: string, request: object, service = 'reviews.v1.ReviewService'): Promise<T> => {
  const response = await fetch(`${services.url}/v1/automed.${service}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
};

const inQueue = async (state: string): Promise<ReviewMessage[]> =>
  (await ask<{ reviews?: ReviewMessage[] }>('ListReviews', { queue: 'discs', state: `REVIEW_STATE_${state}` }))
    .reviews ?? [];

/** The review that is open, once its image is there. */
async function openName(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Accept (A)' }).waitFor();
  return page.locator('.panel h2.file-name').innerText();
}

beforeAll(async () => {
  services = await startServices({
    roles: 'all',
    fill: async (home) => {
      const store = await makeStore(home);
      await store.addSegmentation('polyp', 2, ['polyp']);
      await store.addClassification('tumour');
    },
  });
  browser = await startBrowser();
  const location = writeDiscs(join(services.home, 'discs'), 4);
  const dataset = { name: 'discs', task: 'TASK_SEGMENTATION', location };
  await ask('RegisterDataset', { spec: dataset }, 'datasets.v1.DatasetService');
  await ask('ValidateDataset', { dataset: 'discs' }, 'datasets.v1.DatasetService');
});
afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

test('a data set is predicted into a queue, with progress; the same again adds nothing', async () => {
  const { page, complaints, strangers } = await openPage(browser, `${services.url}/data/discs@1`);
  await page.getByText('ready', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Review' }).click();
  await page.getByText('No queue yet').waitFor();
  for (let time = 0; time < 2; time += 1) {
    await page.getByRole('button', { name: 'Fill a queue' }).click();
    await page.getByLabel('Queue', { exact: true }).fill('discs');
    await page.getByLabel('Model', { exact: true }).selectOption('polyp@1');
    await page.getByLabel('Images of').selectOption('discs@1');
    await page.getByRole('button', { name: 'Predict and add' }).click();
    await page.getByText('4 predictions in the queue').waitFor();
    await page.getByRole('button', { name: 'Close the form' }).click();
  }
  expect((await inQueue('PENDING')).length).toBe(4);
  expect([complaints, strangers]).toEqual([[], []]);
});

test('by keyboard alone: accepted, rejected and amended with a reason', async () => {
  const waiting = await inQueue('PENDING');
  expect(waiting.map(({ uncertainty = 0 }) => uncertainty)).toEqual(
    waiting.map(({ uncertainty = 0 }) => uncertainty).sort((a, b) => b - a),
  );
  const { page, complaints } = await openPage(browser, `${services.url}/review/discs`);
  const { keyboard } = page;
  expect(await openName(page)).toBe(waiting[0]?.name);
  await page.waitForFunction("document.querySelector('canvas').dataset.drawn > 0");
  await picture(page, 'review');
  await keyboard.press('a');
  await page.getByText('3 in this list').waitFor();

  expect(await openName(page)).toBe(waiting[1]?.name);
  await keyboard.press('r');
  await page.getByLabel('Why').waitFor();
  await keyboard.press('Enter');
  expect((await inQueue('REJECTED')).length).toBe(0);
  await keyboard.type('a reflection');
  await keyboard.press('Enter');
  await page.getByText('2 in this list').waitFor();

  expect(await openName(page)).toBe(waiting[2]?.name);
  await keyboard.press('e');
  // A brush stroke from the middle to the right, then a polygon, then one step back.
  for (const key of ['Space', 'Shift+ArrowRight', 'Shift+ArrowRight', 'Space', 'l']) await keyboard.press(key);
  for (const key of ['Space', 'Shift+ArrowDown', 'Space', 'Shift+ArrowLeft', 'Space', 'Enter'])
    await keyboard.press(key);
  await keyboard.press('Control+z');
  expect(await page.getByLabel('Redo (Ctrl+Shift+Z)').isEnabled()).toBe(true);
  await keyboard.press('Enter');
  await page.getByLabel('Why').waitFor();
  await keyboard.type('the edge was missed');
  await keyboard.press('Enter');
  await page.getByText('1 in this list').waitFor();
  expect(complaints).toEqual([]);

  const [amended] = await inQueue('AMENDED');
  const { review } = await ask<{ review: { decision: { masks: { cocoRle: string }[]; reason: string } } }>(
    'GetReview',
    {
      id: amended?.id,
    },
  );
  expect(review.decision.reason).toBe('the edge was missed');
  const bits = decodeRle(review.decision.masks[0]?.cocoRle ?? '', 64, 64);
  expect(bits[32 * 64 + 32]).toBe(1);
});

test('points and boxes of the base draw the mask anew, and leaving takes it back', async () => {
  const { page } = await openPage(browser, `${services.url}/review/discs`);
  await openName(page);
  await page.keyboard.press('e');
  await page.keyboard.press('p');
  const asked = page.waitForResponse('**/PredictMasks');
  await page.keyboard.press('Space');
  expect((await asked).status()).toBe(200);
  await page.getByLabel('Undo (Ctrl+Z)').and(page.locator(':enabled')).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Accept (A)' }).waitFor();
  await page.keyboard.press('a');
  await page.getByText('Nothing is left in this list.').waitFor();
});

test('what was decided becomes a data set and agreement of the version', async () => {
  const { page } = await openPage(browser, `${services.url}/review/discs`);
  await page.getByText('Make a data set').click();
  await page.getByLabel('Data set', { exact: true }).fill('discs');
  await page.getByRole('button', { name: 'Make a new version' }).click();
  await page.getByText('discs@2: 3 images, 1 of them amended.').click();
  await page.getByText('ready', { exact: true }).waitFor();
  await page.goto(`${services.url}/review`);
  const row = page.getByRole('row', { name: /polyp@1.*4/ }).last();
  await row.getByText('known from 60 decisions on').waitFor();
  await picture(page, 'review-queues');
});

interface Predicted {
  segmentation: { masks: { areaPx: string }[] };
}

test('a link shows one result and what was decided, and nothing to whoever may not see it', async () => {
  const [amended] = await inQueue('AMENDED');
  const { page, complaints } = await openPage(browser, `${services.url}/results/${amended?.id}`);
  await page.getByText('What polyp@1 says of one image.').waitFor();
  await page.getByText(/amended: the edge was missed/).waitFor();
  // Of what is drawn, which is the amended mask.
  const { review } = await ask<{ review: { decision: { masks: { areaPx: string }[] }; finding: Predicted } }>(
    'GetReview',
    { id: amended?.id },
  );
  const area = Number(review.decision.masks[0]?.areaPx);
  expect(area).not.toBe(Number(review.finding.segmentation.masks[0]?.areaPx));
  await page.getByText(new Intl.NumberFormat('en').format(area)).waitFor();
  expect(await page.getByRole('navigation').count()).toBe(0);
  expect(complaints).toEqual([]);
  const [accepted] = await inQueue('ACCEPTED');
  await page.goto(`${services.url}/results/${accepted?.id}`);
  await page.getByText('accepted', { exact: false }).waitFor();
  await page.waitForFunction("document.querySelector('canvas').dataset.drawn > 0");
  await picture(page, 'result');
  await page.goto(`${services.url}/results/${'0'.repeat(32)}`);
  await page
    .getByRole('alert')
    .getByText(/There is no review/)
    .waitFor();
});
