// A gateway that asks who calls: the page asks for a key, and keeps it for the tab alone.

import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { createKey, formatKeys } from '../../services/access/api-keys';
import { startProgram, type Program } from '../support/stack';
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
  const other = await openPage(browser, url);
  await other.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});
