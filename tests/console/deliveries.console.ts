// Deliveries and operations as an operator sees them: a study that comes in, what is made of it, and why.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { pictures } from '../support/pacs-receiver';
import { seriesFiles } from '../support/scanned-series';
import { makeStore } from '../support/stack-store';
import { openPage, picture, startBrowser } from './browser';
import { startServices, type Running } from './services';

const TERMS = { lesion: { type: { value: '52988006', scheme: 'SCT', meaning: 'Lesion' } } };
const SITE = (folder: string): string => `
ae_title: AUTOMED
listen: { host: 127.0.0.1, port: 0 }
watch: [{ path: ${folder}/in, settle_seconds: 0 }]
complete: { series_seconds: 1, study_seconds: 1 }
storage: { most_percent: 100, reserve: 1MB }
viewer_url: https://ohif.example.org/viewer?StudyInstanceUIDs={study}
destinations:
  results: { kind: folder, path: ${folder}/out }
rules:
  - { name: lesions, when: { modality: CT }, task: segmentation, model: lesion, results: [SEG], send_to: results }
  - { name: without-terms, when: { modality: CT }, task: segmentation, model: bare, results: [SEG], send_to: results }
  - { name: chest, when: { modality: DX }, task: segmentation, model: lesion, results: [SEG], send_to: results }
`;

let browser: Browser;
let services: Running;

beforeAll(async () => {
  services = await startServices({
    fill: async (home) => {
      const store = await makeStore(home);
      await store.addSegmentation('lesion', 2, ['lesion']);
      await store.addSegmentation('bare', 3, ['lesion']);
      const manifest = join(home, 'models', 'lesion', '1', 'model.json');
      const text = JSON.parse(readFileSync(manifest, 'utf8')) as object;
      writeFileSync(manifest, JSON.stringify({ ...text, terms: TERMS }));
    },
    pacs: (home) => {
      const folder = join(home, 'bridge');
      for (const name of ['in', 'out']) mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, 'site.yaml'), SITE(folder));
      return { site: join(folder, 'site.yaml'), folder: join(folder, 'journal'), port: 0 };
    },
  });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

test('a study that came says what was made of it, where that went, and why a rule did not match', async () => {
  const { page, complaints } = await openPage(browser, `${services.url}/deliveries`);
  await page.getByText('No study came yet').waitFor();
  seriesFiles(pictures(2), { study: '1.2.3' }).forEach((file, at) =>
    writeFileSync(join(services.home, 'bridge', 'in', `${at}.dcm`), file),
  );
  await page.getByRole('link', { name: 'Study 1' }).click();
  await page.getByText('SEG to results').waitFor();
  await page.getByText('failed for good', { exact: true }).waitFor();
  expect(await page.getByText(/coded terms|terms/).count()).toBeGreaterThan(0);
  await page.getByText('Why: what each rule makes of it').click();
  await page
    .getByText(/modality/i)
    .first()
    .waitFor();
  await picture(page, 'delivery');
  const viewer = page.getByRole('link', { name: 'Open in the viewer' });
  expect(await viewer.getAttribute('href')).toBe('https://ohif.example.org/viewer?StudyInstanceUIDs=1.2.3');
  expect(await viewer.getAttribute('rel')).toContain('noreferrer');
  // No UID in the address.
  expect(page.url()).toBe(`${services.url}/deliveries/1`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText(/1 analysis and \d deliver(y|ies) changed/).waitFor();
  expect(complaints).toEqual([]);
});

test('operations show what is in memory and what the bridge holds', async () => {
  const { page } = await openPage(browser, `${services.url}/operations`);
  await page.getByText('lesion@1').waitFor();
  await page.getByText('1 study').waitFor();
  await page.getByText('This server runs no trainings.').waitFor();
  await page.getByRole('row', { name: /^ModelService\/ListModels 0 \d+ 0 / }).waitFor();
  const replicas = page.getByRole('region', { name: 'Replicas' });
  await replicas.getByText('SegmentationService', { exact: false }).first().waitFor();
  await picture(page, 'operations');
});
