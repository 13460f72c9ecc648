// Every page by axe, in the light and in the dark, and by keyboard alone.

import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { discImage } from '../support/stack-images';
import { openPage, picture, startBrowser } from './browser';
import { startServices, type Running } from './services';

let browser: Browser;
let services: Running;

beforeAll(async () => {
  services = await startServices({ roles: 'all' });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

/** What axe calls serious or critical, with where it is. */
async function seriousFindings(page: Page): Promise<string[]> {
  // Through the debugger, which the content policy does not hold back.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

const PAGES: readonly [path: string, heading: string][] = [
  ['/try', 'Models'],
  ['/interactive', 'Interactive'],
  ['/data', 'Data sets'],
  ['/jobs', 'Trainings'],
  ['/models', 'Models'],
  ['/models/polyp@1', 'Put into service'],
  ['/review', 'Review'],
  ['/deliveries', 'Deliveries'],
  ['/operations', 'Aliases'],
  ['/nowhere', 'There is no such page'],
];

describe.each([false, true])('in the dark: %s', (dark) => {
  test.each(PAGES)('%s has no serious finding', async (path, heading) => {
    const { page } = await openPage(browser, services.url + path, dark);
    await page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  test('an image with masks and prompts has none', async () => {
    const { page } = await openPage(browser, services.url, dark);
    const { png } = await discImage(120, 80);
    await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
    await page.getByText(/Answered in/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    if (dark) await picture(page, 'dark');
    await page.getByRole('link', { name: 'Interactive' }).click();
    await page.locator('canvas').click();
    await page.getByText(/The decoder expects/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  test('forms have none', async () => {
    for (const [path, button] of [
      ['/jobs', 'New training'],
      ['/data', 'Register a data set'],
    ] as const) {
      const { page } = await openPage(browser, services.url + path, dark);
      await page.getByRole('button', { name: button }).click();
      await page.getByLabel('Name').waitFor();
      expect(await seriousFindings(page)).toEqual([]);
    }
  });
});

test('the viewer answers to the keyboard alone', async () => {
  const { page } = await openPage(browser, services.url);
  const { png } = await discImage(300, 200);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.getByText(/Answered in/).waitFor();
  await page.locator('canvas').focus();
  const readout = page.locator('.readout');
  await page.keyboard.press('1');
  await readout.getByText('100 %').waitFor();
  await page.keyboard.press('+');
  await readout.getByText('120 %').waitFor();
  await page.keyboard.press(']');
  expect(await readout.innerText()).not.toContain('W 255');
  await page.keyboard.press('i');
  expect(await page.getByLabel('Invert (I)').getAttribute('aria-pressed')).toBe('true');
  await page.keyboard.press('0');
  expect(await readout.innerText()).not.toContain('120 %');
});

test('prompts are set by keyboard alone', async () => {
  const { page } = await openPage(browser, `${services.url}/interactive`);
  const { png } = await discImage(300, 200);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.getByText('Ready').waitFor();
  await page.locator('canvas').focus();
  const sent = page.waitForRequest('**/PredictMasks');
  await page.keyboard.press('Space');
  const [point] = ((await sent).postDataJSON() as { points: { xPx: number; yPx: number }[] }).points;
  expect(point).toMatchObject({ xPx: 149.5, yPx: 99.5 });
  for (const key of ['x', 'Shift+ArrowLeft', 'Space', 'x', 'b', 'Space']) await page.keyboard.press(key);
  for (const key of ['ArrowRight', 'ArrowDown']) {
    for (let count = 0; count < 4; count += 1) await page.keyboard.press(`Shift+${key}`);
  }
  await page.keyboard.press('Space');
  const list = page.locator('section', { has: page.getByRole('heading', { name: 'Prompts' }) }).getByRole('listitem');
  expect(await list.allInnerTexts()).toEqual(['point inside', 'point outside', 'box']);
});

test('the first link leads past the navigation, and another page is named and has the focus', async () => {
  const { page } = await openPage(browser, `${services.url}/models`);
  await page.getByRole('heading', { name: 'Models' }).waitFor();
  expect(await page.title()).toBe('Models · Automed');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('content');
  expect(new URL(page.url()).pathname).toBe('/models');
  await page.getByRole('link', { name: 'Trainings' }).click();
  await page.getByRole('heading', { name: 'Trainings' }).waitFor();
  expect(await page.title()).toBe('Trainings · Automed');
  expect(await page.evaluate('document.activeElement.id')).toBe('content');
});

test('a narrow screen keeps everything in reach', async () => {
  const { page } = await openPage(browser, services.url);
  await page.setViewportSize({ width: 390, height: 800 });
  const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  expect(overflow).toBeLessThanOrEqual(0);
  await page.getByRole('button', { name: 'Use an example' }).waitFor();
});
