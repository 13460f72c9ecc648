// A gateway that asks who calls: the page asks for a key, and keeps it for the tab alone.

import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, FrameLocator, Page } from 'playwright-core';
import { createKey, formatKeys } from '../../services/access/api-keys';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { openPage, startBrowser } from './browser';

const folder = mkdtempSync(join(tmpdir(), 'automed-console-keys-'));
const { key, entry } = createKey('viewer', ['predict']);
const reviewer = createKey('reviewer', ['review']);
let browser: Browser;
let programs: Program[] = [];
let url: string;
/** A page of another origin, as a PACS has one. */
let other: Server;

beforeAll(async () => {
  const store = await makeStore(join(folder, 'store'));
  await store.addClassification('tumour');
  writeFileSync(join(folder, 'keys.json'), formatKeys([entry, reviewer.entry]));
  const inference = await startProgram('inference', { AUTOMED_HOME: join(folder, 'store') });
  const training = await startProgram('training', { AUTOMED_HOME: join(folder, 'store') });
  other = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<iframe src="${url}${request.url}" width="900" height="700"></iframe>`);
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
    AUTOMED_TRAINING_BACKENDS: training.address,
    AUTOMED_HTTP_FRAME_ORIGINS: originOf(other),
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
    AUTOMED_KEYS_FILE: join(folder, 'keys.json'),
  });
  programs = [gateway, inference, training];
  url = `http://${gateway.httpAddress}`;
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  other?.close();
  for (const program of programs) await program.stop();
  rmSync(folder, { recursive: true });
});

test('without a key nothing is shown; a wrong one is told; the right one opens the page, until the tab is gone', async () => {
  const { page } = await openPage(browser, url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByLabel('API key or token').fill('amk_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server does not accept this key.').waitFor();
  await page.getByLabel('API key or token').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('checkbox', { name: /tumour/ }).waitFor();
  await page.reload();
  await page.getByRole('checkbox', { name: /tumour/ }).waitFor();
  expect(await page.context().cookies()).toEqual([]);
  expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(key);
  // What the key's role does not allow is said, and is no reason to sign in again.
  await page.goto(`${url}/operations`);
  await page.getByRole('heading', { name: 'Operations' }).waitFor();
  const refused = page.getByRole('alert').getByText('ListTrainingJobs is not allowed with the roles predict');
  await refused.waitFor();
  expect(await page.getByText('This server runs no trainings').count()).toBe(0);
  const other = await openPage(browser, url);
  await other.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('who signs out leaves neither key nor image nor work', async () => {
  const { page } = await openPage(browser, `${url}/interactive`);
  await signIn(page);
  const { png } = await discImage(120, 80);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.getByText('Ready').waitFor();
  await page.locator('canvas').click();
  await page.getByText(/The decoder expects/).waitFor();
  expect((await kept(page)).keys).toEqual(expect.arrayContaining(['automed.file', 'automed.token', 'automed.works']));
  expect((await kept(page)).files).toBe(1);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.waitForURL(`${url}/`);
  expect(await kept(page)).toEqual({ keys: [], files: 0 });
  await signIn(page);
  await page.getByText('Drop an image here').waitFor();
});

test('a link to a result asks who follows it, also in a frame of a PACS, and shows it to whoever may see it', async () => {
  const { page } = await openPage(browser, url);
  await signIn(page, reviewer.key);
  const { png } = await discImage(120, 80);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'Doe^Jane.png', mimeType: 'image/png', buffer: png });
  await page.getByRole('button', { name: 'Keep and link' }).click();
  const link = page.getByRole('link', { name: /^\/results\// });
  const path = (await link.getAttribute('href')) ?? '';
  expect(path).toMatch(/^\/results\/[0-9a-f]{32}$/);

  const stranger = await openPage(browser, url + path);
  await stranger.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(stranger.page);
  await stranger.page
    .getByRole('alert')
    .getByText(/GetReview is not allowed with the roles predict/)
    .waitFor();
  expect(await stranger.page.getByText(/says of one image/).count()).toBe(0);

  const pacs = await openPage(browser, `${originOf(other)}${path}`);
  const frame = pacs.page.frameLocator('iframe');
  await signIn(frame, reviewer.key);
  await frame.getByText('What tumour@1 says of one image.').waitFor();
  // Pages that change something open outside of the frame.
  const left = pacs.page.context().waitForEvent('page');
  await frame.getByRole('main').getByRole('link').click();
  await (await left).waitForURL(`${url}/review/kept`);
  expect(pacs.page.frames().map((each) => new URL(each.url()).pathname)).not.toContain('/review/kept');
  await pacs.page.goto(`${originOf(other)}/try`);
  expect(await frame.getByRole('heading', { name: 'Sign in' }).count()).toBe(0);
});

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function signIn(page: Page | FrameLocator, as = key): Promise<void> {
  await page.getByLabel('API key or token').fill(as);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** What the browser keeps for the tab: names in its session storage, and how many files in its database. */
async function kept(page: Page): Promise<{ keys: string[]; files: number }> {
  return page.evaluate(`new Promise((resolve, reject) => {
    const opening = indexedDB.open('automed', 1);
    opening.onerror = () => reject(opening.error);
    opening.onupgradeneeded = () => opening.result.createObjectStore('files', { keyPath: 'id' });
    opening.onsuccess = () => {
      const counting = opening.result.transaction('files').objectStore('files').count();
      counting.onsuccess = () => {
        opening.result.close();
        resolve({ keys: Object.keys(sessionStorage).sort(), files: counting.result });
      };
    };
  })`);
}
