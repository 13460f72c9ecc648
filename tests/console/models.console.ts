// Models as a person uses them: find, compare, promote with a gate, roll back.

import type { Browser } from 'playwright-core';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { openPage, picture, startBrowser } from './browser';
import { startServices, type Running } from './services';

let browser: Browser;
let services: Running;

beforeAll(async () => {
  services = await startServices({
    roles: 'all',
    fill: async (home) => {
      const store = await makeStore(home);
      for (const seed of [2, 3]) await store.addSegmentation('polyp', seed);
      await store.addClassification('tumour');
    },
  });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

test('two versions are compared by their scores, and by their masks on one image', async () => {
  const { page, complaints } = await openPage(browser, `${services.url}/models`);
  await page.getByText('3 versions').waitFor();
  await page.getByLabel('Filter by name, base or alias').fill('polyp');
  await page.getByText('2 versions').waitFor();
  await page.getByLabel('Compare polyp@1').check();
  await page.getByLabel('Compare polyp@2').check();
  await page.getByRole('heading', { name: 'polyp@1 and polyp@2' }).waitFor();
  await page.getByText('The two have no evaluation on the same data').waitFor();
  const { png } = await discImage(120, 80);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.getByText('polyp@2 alone').waitFor();
  await page.getByLabel('Slider').first().check();
  await page.getByText('left of the line: polyp@1').waitFor();
  await page.getByText('right: polyp@2').waitFor();
  await picture(page, 'compare');
  const slider = page.getByRole('slider', { name: 'Slider' });
  await slider.press('Home');
  expect(await slider.getAttribute('aria-valuetext')).toBe('line at 0.0 % of the width');
  expect(complaints).toEqual([]);
});

test('scores that cannot be read are no missing scores', async () => {
  const { page } = await openPage(browser, `${services.url}/models`);
  await page.route('**/ListEvaluations', (route) =>
    route.fulfill({ status: 500, json: { error: { status: 'INTERNAL', reason: 'INTERNAL', message: 'no disk' } } }),
  );
  await page.getByLabel('Compare polyp@1').check();
  await page.getByLabel('Compare polyp@2').check();
  await page.getByRole('alert').getByText('no disk').waitFor();
  expect(await page.getByText('The two have no evaluation on the same data').count()).toBe(0);
  await page.goto(`${services.url}/operations`);
  await page.getByRole('heading', { name: 'Training queue' }).waitFor();
  await page.route('**/ListTrainingJobs', (route) =>
    route.fulfill({ status: 500, json: { error: { status: 'INTERNAL', reason: 'INTERNAL', message: 'no disk' } } }),
  );
  await page.reload();
  await page.getByRole('alert').getByText('no disk').waitFor();
  expect(await page.getByText('This server runs no trainings').count()).toBe(0);
});

test('masks of one image never lie on the next one', async () => {
  const { page } = await openPage(browser, `${services.url}/models`);
  await page.getByLabel('Compare polyp@1').check();
  await page.getByLabel('Compare polyp@2').check();
  const drop = async (width: number): Promise<void> => {
    const { png } = await discImage(width, 80);
    const bytes = `Uint8Array.from(atob('${png.toString('base64')}'), (each) => each.charCodeAt(0))`;
    const dataTransfer = await page.evaluateHandle(`(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([${bytes}], 'disc.png', { type: 'image/png' }));
      return transfer;
    })()`);
    await page.locator('.drop-target').dispatchEvent('drop', { dataTransfer });
  };
  await drop(120);
  await page.getByText('polyp@2 alone').waitFor();
  await page.route('**/Analyze', (route) => route.abort());
  await drop(90);
  await page.getByRole('alert').waitFor();
  expect(await page.getByText('polyp@2 alone').count()).toBe(0);
});

test('a gate holds a version back and says why; a reason overrules it; the alias rolls back', async () => {
  const { page } = await openPage(browser, `${services.url}/models/polyp@1`);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/PromoteModel', async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Promote' }).click();
  expect(await page.getByRole('button', { name: 'Promote' }).isDisabled()).toBe(true);
  release();
  expect(await page.getByRole('alert').innerText()).toMatch(/mdsc/);
  await page.getByText('refused', { exact: true }).waitFor();
  for (const version of [1, 2]) {
    await page.goto(`${services.url}/models/polyp@${version}`);
    await page.getByLabel('Why').fill('the first one');
    await page.getByLabel('Who asks').fill('ada');
    await page.getByLabel(/Promote even when/).check();
    await page.getByRole('button', { name: 'Promote' }).click();
    await page.locator('.chip', { hasText: 'production' }).waitFor();
  }
  await picture(page, 'model');
  await page.getByRole('button', { name: 'Roll production back' }).click();
  await page.getByText('(rollback)').waitFor();
  await page.goto(`${services.url}/models/polyp@1`);
  await page.locator('.chip', { hasText: 'production' }).waitFor();
  expect(await page.getByRole('cell', { name: 'ada' }).count()).toBe(2);
});

test('a table of a thousand versions draws what is seen of it, and finds and orders all of them', async () => {
  const { page } = await openPage(browser, `${services.url}/operations`);
  const models = Array.from({ length: 1000 }, (_, at) => ({
    ...{ name: 'run', version: at + 1, task: 'TASK_SEGMENTATION', baseName: 'micro', baseVersion: 1 },
    metrics: { 'test.mdsc': ((at * 37) % 1000) / 1000 },
    lineageJson: JSON.stringify({ scores: { test: { estimates: { mdsc: { low: 0.25, high: 0.75 } } } } }),
    createTime: new Date(Date.UTC(2026, 0, 1) + at * 60_000).toISOString(),
  }));
  await page.route('**/ListModels', (route) => route.fulfill({ json: { models } }));
  await page.goto(`${services.url}/models`);
  await page.getByText('1000 versions').waitFor();
  const versions = page.locator('tbody tr');
  expect(await versions.count()).toBe(50);
  await page.getByRole('link', { name: 'run@1000' }).waitFor();
  await page.getByLabel('Order').selectOption('best score first');
  await versions.first().getByText('0.999').waitFor();
  await versions.first().getByText('0.250 – 0.750').waitFor();
  await page.getByLabel('Filter by name, base or alias').fill('run@777');
  await page.getByText('1 version', { exact: true }).waitFor();
  await page.getByLabel('Filter by name, base or alias').fill('');
  for (let turn = 0; turn < 19; turn += 1) await page.getByRole('button', { name: 'After' }).click();
  await page.getByText('951 – 1000 / 1000').waitFor();
});
