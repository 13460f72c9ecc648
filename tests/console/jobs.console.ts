// Data sets and trainings as a person uses them: register, check, train, watch, pause, go on, try.

import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { writeDemoData } from '../../services/synthetic/demo-data';
import { writeDiscs } from '../support/training-service';
import { openPage, picture, startBrowser } from './browser';
import { startServices, type Running } from './services';

let browser: Browser;
let services: Running;
const data = mkdtempSync(join(tmpdir(), 'automed-console-data-'));

beforeAll(async () => {
  await writeDemoData(data, { seed: 3, trainCount: 24, testCount: 6 });
  services = await startServices({ roles: 'all' });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await services?.stop();
  rmSync(data, { recursive: true });
});

test('a folder is registered, checked and found sound', async () => {
  const { page, complaints } = await openPage(browser, `${services.url}/data`);
  await page.getByText('No data set yet').waitFor();
  await page.getByRole('button', { name: 'Register a data set' }).click();
  await page.getByLabel('Name').fill('lesions');
  await page.getByLabel('Folder').fill(join(data, 'segmentation'));
  await page.getByRole('button', { name: 'Register and check' }).click();
  await page.getByText('ready', { exact: true }).waitFor();
  await page.getByText('24 images').waitFor();
  await page.getByRole('heading', { name: 'Findings' }).waitFor();
  await page.getByRole('link', { name: 'All data sets' }).click();
  await page.getByRole('link', { name: 'lesions@1' }).waitFor();
  expect(complaints).toEqual([]);
});

test('a list that answers slower than it is asked again is shown all the same', async () => {
  const { page } = await openPage(browser, `${services.url}/operations`);
  await page.getByRole('heading', { name: 'Training queue' }).waitFor();
  // Longer than the 5 s between two askings.
  await page.route('**/ListTrainingJobs', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 6_500));
    await route.continue().catch(() => undefined);
  });
  await page.reload();
  await page.getByText('0 open trainings').waitFor({ timeout: 30_000 });
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('a form that the service refuses says what is wrong with it', async () => {
  const { page } = await openPage(browser, `${services.url}/data`);
  await page.getByRole('button', { name: 'Register a data set' }).click();
  await page.getByLabel('Name').fill('nothing');
  await page.getByLabel('Folder').fill('relative/path');
  await page.getByRole('button', { name: 'Register and check' }).click();
  expect(await page.getByRole('alert').innerText()).toMatch(/absolute|folder/i);
});

test('a training is started from the form, watched, paused, resumed, and its model is there to try', async () => {
  const { page, complaints } = await openPage(browser, `${services.url}/jobs`);
  await page.getByRole('button', { name: 'New training' }).click();
  await page.getByLabel('Name').fill('lesion');
  await page.getByLabel('Data set').selectOption('lesions@1');
  await page.getByText('Numbers of the recipe').click();
  await page.getByLabel('Epochs').fill('3');
  await picture(page, 'training-form');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByText('running', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('paused', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('succeeded', { exact: true }).waitFor();
  await page.getByRole('heading', { name: 'Registered lesion@1' }).waitFor();
  expect(await page.getByRole('img', { name: /^Loss: training \d/ }).count()).toBe(1);
  await page.getByAltText('After epoch 3').waitFor();
  await page.getByRole('slider').press('Home');
  await page.getByAltText('After epoch 1').waitFor();
  await picture(page, 'training');
  await page.getByRole('link', { name: 'All trainings' }).click();
  await page.getByRole('link', { name: 'lesion' }).waitFor();
  expect(complaints).toEqual([]);
});

test('a watch that breaks off goes on, and one that had ended begins again after an action', async () => {
  const { page } = await openPage(browser, `${services.url}/jobs`);
  let watches = 0;
  await page.route('**/WatchTrainingJob', (route) => {
    watches += 1;
    // The first connection ends without the event `end`.
    return watches === 1 ? route.fulfill({ contentType: 'text/event-stream', body: '' }) : route.continue();
  });
  let failed = true;
  await page.route('**/GetTrainingJob', async (route) => {
    const answer = await route.fetch();
    const { job } = (await answer.json()) as { job: { state: string } };
    if (failed) job.state = 'TRAINING_JOB_STATE_FAILED';
    await route.fulfill({ response: answer, json: { job } });
  });
  await page.route('**/ResumeTrainingJob', (route) => {
    failed = false;
    return route.fulfill({ json: { job: {} } });
  });
  await page.getByRole('link', { name: 'lesion' }).click();
  await page.getByAltText('After epoch 3').waitFor();
  expect(watches).toBe(2);
  const again = page.waitForRequest('**/WatchTrainingJob');
  await page.getByRole('button', { name: 'Resume' }).click();
  await again;
  await page.getByText('succeeded', { exact: true }).waitFor();
  await page.getByAltText('After epoch 3').waitFor();
});

test('a finding shows the pictures in question, with their masks', async () => {
  const folder = writeDiscs(join(data, 'twice'), 6);
  for (const name of ['images', 'masks']) cpSync(join(folder, name, '0.png'), join(folder, name, '9.png'));
  const { page, complaints } = await openPage(browser, `${services.url}/data`);
  await page.getByRole('button', { name: 'Register a data set' }).click();
  await page.getByLabel('Name').fill('twice');
  await page.getByLabel('Folder').fill(folder);
  await page.getByRole('button', { name: 'Register and check' }).click();
  const finding = page.getByRole('listitem').filter({ hasText: 'the same picture more than once' });
  await finding.getByText('2 files').click();
  for (const name of ['images/0.png', 'images/9.png']) {
    await finding.getByRole('img', { name }).and(page.locator('[data-drawn]')).waitFor();
  }
  await picture(page, 'finding');
  expect(complaints).toEqual([]);
});

test('images without a label are ordered, said whether that helps, and sent to a review queue', async () => {
  const folder = writeDiscs(join(data, 'waiting'), 67);
  mkdirSync(join(folder, 'unlabelled'));
  for (const number of [64, 65, 66]) {
    renameSync(join(folder, 'images', `${number}.png`), join(folder, 'unlabelled', `${number}.png`));
    rmSync(join(folder, 'masks', `${number}.png`));
  }
  const { page, complaints } = await openPage(browser, `${services.url}/data`);
  await page.getByRole('button', { name: 'Register a data set' }).click();
  await page.getByLabel('Name').fill('waiting');
  await page.getByLabel('Folder').fill(folder);
  await page.getByRole('button', { name: 'Register and check' }).click();
  await page.getByRole('heading', { name: 'waiting@1' }).waitFor();
  await page.getByText('ready', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Order the images' }).click();
  await page
    .getByRole('status')
    .filter({ hasText: /^(helps|does not help) This order .* of the labels of random order/ })
    .waitFor();
  await page.getByText('3 of 3 images without a label; the head learned from 64.').waitFor();
  const list = page.getByRole('list', { name: 'Images in the order in which to label them' });
  await list.getByRole('img', { name: 'unlabelled/65.png' }).and(page.locator('[data-drawn]')).waitFor();
  await picture(page, 'next-labels');
  await page.getByLabel('Queue', { exact: true }).fill('waiting');
  await page.getByLabel('How many').fill('2');
  await page.getByRole('button', { name: 'Predict and send' }).click();
  await page.getByText('2 predictions in the queue').waitFor();
  await page.getByRole('link', { name: 'Open the queue' }).click();
  await page.getByRole('link', { name: 'waiting' }).waitFor();
  expect(complaints).toEqual([]);
});

test('what is wrong with a training is said with its number, and with what to do', async () => {
  const folder = join(data, 'leaks');
  cpSync(writeDiscs(join(data, 'eight'), 8), join(folder, 'train'), { recursive: true });
  writeDiscs(join(folder, 'val'), 12);
  const post = async <T>(method: string, request: object): Promise<T> => {
    const response = await fetch(`${services.url}/v1/automed.${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };
  const { bases } = await post<{ bases: { name: string }[] }>('models.v1.ModelService/ListBases', {});
  const { job } = await post<{ job: { id: string } }>('training.v1.TrainingJobService/CreateTrainingJob', {
    spec: {
      ...{ task: 'TASK_SEGMENTATION', name: 'leaks', data: folder, base: bases[0]?.name },
      allowDataProblems: true,
      overrides: { epochs: 1, batchSize: 4 },
    },
  });
  const { page } = await openPage(browser, `${services.url}/jobs/${job.id}`);
  const alarm = page.getByRole('alert').filter({ hasText: 'Groups leak (0.67)' });
  await alarm.getByText(/67 % of the validation images have a copy/).waitFor();
  await picture(page, 'alarm');
});
