// A gateway that asks who calls: the page asks for a key, and keeps it for the tab alone.

import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { createKey, formatKeys } from '../../services/access/api-keys';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { openPage, startBrowser } from './browser';

const folder = mkdtempSync(join(tmpdir(), 'automed-console-keys-'));
const { key, entry } = createKey('viewer', ['predict']);
let browser: Browser;
let programs: Program[] = [];
let url: string;

beforeAll(async () => {
  const store = await makeStore(join(folder, 'store'));
  await store.addClassification('tumour');
  writeFileSync(join(folder, 'keys.json'), formatKeys([entry]));
  const inference = await startProgram('inference', { AUTOMED_HOME: join(folder, 'store') });
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
    AUTOMED_TRAINING_BACKENDS: '',
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
    AUTOMED_KEYS_FILE: join(folder, 'keys.json'),
  });
  programs = [gateway, inference];
  url = `http://${gateway.httpAddress}`;
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
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
  await page.getByText(/the decoder expects/).waitFor();
  expect((await kept(page)).keys).toEqual(expect.arrayContaining(['automed.file', 'automed.token', 'automed.works']));
  expect((await kept(page)).files).toBe(1);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.waitForURL(`${url}/`);
  expect(await kept(page)).toEqual({ keys: [], files: 0 });
  await signIn(page);
  await page.getByText('Drop an image here').waitFor();
});

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('API key or token').fill(key);
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
