// The page Interactive as a person uses it: clicks, strokes, undo, a server that is killed, a reload.

import type { Browser, Page } from 'playwright-core';
import { childrenOf } from '../integration/cli/automed-process';
import { greyDicom } from '../support/dicom';
import { discImage } from '../support/stack-images';
import { openPage, picture, startBrowser } from './browser';
import { startServices, type Running } from './services';

let browser: Browser;
let services: Running;

beforeAll(async () => {
  services = await startServices();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await services?.stop();
});

async function openDisc(): Promise<{ page: Page; complaints: string[] }> {
  const { page, complaints } = await openPage(browser, `${services.url}/interactive`);
  const { png } = await discImage(300, 200);
  const encoded = page.waitForResponse('**/EncodeImage');
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await encoded;
  await ready(page);
  return { page, complaints };
}

const prompts = (page: Page) =>
  page.locator('section', { has: page.getByRole('heading', { name: 'Prompts' }) }).getByRole('listitem');
const masked = (page: Page) => page.getByText(/The decoder expects an IoU with/);
const ready = (page: Page) => page.getByRole('status').waitFor({ state: 'detached' });

/** Waits for what is drawn some frames later. */
async function expectSoon(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Clicks at a share of the canvas. */
async function click(page: Page, x: number, y: number, button: 'left' | 'right' = 'left'): Promise<void> {
  const box = await page.locator('canvas').boundingBox();
  if (box) await page.mouse.click(box.x + box.width * x, box.y + box.height * y, { button });
}

async function drag(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  const box = await page.locator('canvas').boundingBox();
  if (!box) return;
  await page.mouse.move(box.x + box.width * from[0], box.y + box.height * from[1]);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to[0], box.y + box.height * to[1], { steps: 5 });
  await page.mouse.up();
}

test('points, a box and a scribble are listed, taken back, brought back and removed', async () => {
  const { page, complaints } = await openDisc();
  await click(page, 0.5, 0.5);
  await masked(page).waitFor();
  await click(page, 0.2, 0.3, 'right');
  expect(await prompts(page).allInnerTexts()).toEqual(['point inside', 'point outside']);
  await page.keyboard.press('b');
  await drag(page, [0.35, 0.3], [0.65, 0.7]);
  await page.keyboard.press('s');
  await drag(page, [0.45, 0.45], [0.55, 0.55]);
  const all = ['point inside', 'point outside', 'box', 'scribble inside'];
  expect(await prompts(page).allInnerTexts()).toEqual(all);
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  expect(await prompts(page).allInnerTexts()).toEqual(all.slice(0, 2));
  await page.keyboard.press('Control+Shift+z');
  expect(await prompts(page).allInnerTexts()).toEqual(all.slice(0, 3));
  await page.getByLabel('Remove point outside 2').click();
  expect(await prompts(page).allInnerTexts()).toEqual(['point inside', 'box']);
  await ready(page);
  await page.getByRole('button', { name: 'Go on from this mask' }).click();
  await prompts(page).getByText('earlier mask').waitFor();
  expect(complaints).toEqual([]);
});

test('the mask under the pointer is drawn in the browser, without the server', async () => {
  const { page } = await openPage(browser, `${services.url}/interactive`);
  let asked = 0;
  await page.route('**/PredictMasks', async (route) => {
    asked += 1;
    await route.abort();
  });
  const { png } = await discImage(300, 200);
  const decoder = page.waitForResponse('**/GetMaskDecoder');
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await ready(page);
  await decoder;
  const box = await page.locator('canvas').boundingBox();
  let at = 0;
  await expectSoon(async () => {
    at += 1;
    await page.mouse.move((box?.x ?? 0) + 100 + ((at * 37) % 300), (box?.y ?? 0) + 100 + ((at * 53) % 300));
    return (await page.locator('.readout-under').textContent()) === 'preview';
  });
  const before = asked;
  for (let step = 0; step < 10; step += 1) {
    await page.mouse.move((box?.x ?? 0) + 150 + 5 * step, (box?.y ?? 0) + 200);
    await page.waitForTimeout(50);
  }
  expect(asked).toBe(before);
});

test('a decoder of the browser that ends leaves previews to the server', async () => {
  const { page } = await openPage(browser, `${services.url}/interactive`);
  // The worker comes up, and is ended from outside as a browser that is short of memory ends it.
  await page.evaluate(`{
    const Real = Worker;
    globalThis.Worker = class extends Real {
      constructor(...given) {
        super(...given);
        globalThis.endWorker = () => this.dispatchEvent(new Event('error'));
      }
    };
  }`);
  const { png } = await discImage(300, 200);
  const decoder = page.waitForResponse('**/GetMaskDecoder');
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await decoder;
  await ready(page);
  await page.evaluate('endWorker()');
  const asked = page.waitForRequest('**/PredictMasks');
  const box = await page.locator('canvas').boundingBox();
  let at = 0;
  await expectSoon(async () => {
    at += 1;
    await page.mouse.move((box?.x ?? 0) + 100 + ((at * 37) % 300), (box?.y ?? 0) + 100 + ((at * 53) % 300));
    return (await page.locator('.readout-under').textContent()) === 'preview';
  });
  await asked;
});

test('the area that is told is that of the mask that the API drew', async () => {
  const { page } = await openDisc();
  const asked = (response: { url(): string; request(): { postData(): string | null } }): boolean =>
    response.url().endsWith('/PredictMasks') && (response.request().postData() ?? '').includes('"xPx":149');
  const [answer] = await Promise.all([page.waitForResponse(asked), click(page, 0.5, 0.5)]);
  const { masks = [] } = (await answer.json()) as { masks?: { mask: { areaPx?: string } }[] };
  await masked(page).waitFor();
  const area = Number(masks[0]?.mask.areaPx ?? 0);
  expect(area).toBeGreaterThan(0);
  await page.getByText(`${area.toLocaleString('en')} px`).waitFor();
});

test('twenty clicks, the service killed in the middle, and a reload: the same masks', async () => {
  const { page } = await openDisc();
  for (let count = 0; count < 20; count += 1) {
    if (count === 10) {
      const [inference] = childrenOf(process.pid).filter(({ command }) => command.includes('inference/main'));
      if (!inference) throw new Error('no inference service runs');
      process.kill(inference.pid, 'SIGKILL');
    }
    await click(page, 0.3 + 0.02 * count, 0.5 + 0.1 * Math.sin(count), count % 5 === 4 ? 'right' : 'left');
  }
  await ready(page);
  expect(await prompts(page).count()).toBe(20);
  await page.getByRole('button', { name: /Keep as object/ }).click();
  await click(page, 0.5, 0.5);
  await masked(page).waitFor();
  await ready(page);
  await page.mouse.move(5, 5);
  const before = await page.locator('canvas').screenshot();
  await page.reload();
  await page.getByText('object 1').waitFor();
  await masked(page).waitFor();
  await ready(page);
  expect((await page.locator('canvas').screenshot()).equals(before)).toBe(true);
});

test('after a look at another page masks lie on the image as before, and what was done can be taken back', async () => {
  const { page, complaints } = await openDisc();
  await click(page, 0.5, 0.5);
  await masked(page).waitFor();
  await page.getByRole('button', { name: /Keep as object/ }).click();
  await page.mouse.move(5, 5);
  const before = await page.locator('canvas').screenshot();
  await page.getByRole('link', { name: 'Models' }).click();
  await page.getByRole('heading', { name: 'Models' }).waitFor();
  await page.getByRole('link', { name: 'Interactive' }).click();
  await page.getByText('object 1').waitFor();
  await page.locator('.viewer-empty').waitFor({ state: 'detached' });
  await expectSoon(async () => (await page.locator('canvas').screenshot()).equals(before));
  await page.getByRole('button', { name: /^Undo/ }).click();
  expect(await prompts(page).allInnerTexts()).toEqual(['point inside']);
  expect(complaints).toEqual([]);
});

test('a prompt that is taken back while its mask is drawn leaves nothing to wait for', async () => {
  const { page } = await openDisc();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/PredictMasks', async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  });
  await click(page, 0.5, 0.5);
  await page.getByText('Drawing…').waitFor();
  await page.keyboard.press('Control+z');
  await page.getByText('Ready').waitFor();
  release();
  await page.unroute('**/PredictMasks');
});

test('prompts that were set before the page knew the bases, or the server the image, can be taken back', async () => {
  const { page, complaints } = await openPage(browser, 'about:blank');
  const hold = async (calls: string): Promise<() => void> => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(calls, async (route) => {
      await held;
      await route.continue();
    });
    return release;
  };
  const releases = [await hold('**/ListBases'), await hold('**/EncodeImage')];
  await page.goto(`${services.url}/interactive`);
  const { png } = await discImage(300, 200);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.locator('.viewer-empty').waitFor({ state: 'detached' });
  for (const x of [0.4, 0.5, 0.6]) await click(page, x, 0.5);
  const sent = page.waitForRequest('**/EncodeImage');
  releases[0]?.();
  await sent;
  await click(page, 0.5, 0.6);
  for (const count of [4, 3, 2, 1]) {
    expect(await prompts(page).count()).toBe(count);
    await page.getByRole('button', { name: /^Undo/ }).click();
  }
  await page.getByRole('button', { name: /^Redo/ }).click();
  await page.getByRole('button', { name: /^Redo/ }).click();
  releases[1]?.();
  await masked(page).waitFor();
  await ready(page);
  expect(await prompts(page).count()).toBe(2);
  expect(complaints).toEqual([]);
});

test('frames that are passed by are not sent; the one where they stop is', async () => {
  const { page, complaints } = await openPage(browser, `${services.url}/interactive`);
  const frames = 40;
  const values = Array.from({ length: frames * 32 * 32 }, (_, at) => at % 251);
  const buffer = greyDicom({ width: 32, height: 32, frames, values });
  await page.getByLabel('Choose a file').setInputFiles({ name: 'run.dcm', mimeType: 'application/dicom', buffer });
  await page.getByText(`1 / ${frames}`).waitFor();
  await page.getByText('Ready').waitFor();
  const sent: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/EncodeImage'))
      sent.push((request.postDataJSON() as { image: { frameNumber?: number } }).image.frameNumber);
  });
  await page.locator('canvas').focus();
  for (let count = 1; count < 20; count += 1) await page.keyboard.press('PageDown');
  await page.getByText(`20 / ${frames}`).waitFor();
  await page.getByText('Ready').waitFor();
  expect(sent.length).toBeLessThan(10);
  expect(sent.at(-1)).toBe(20);
  expect(complaints).toEqual([]);
});

test('where the room of the tab is full nothing older comes back in place of what was done', async () => {
  const { page } = await openDisc();
  await click(page, 0.5, 0.5);
  await masked(page).waitFor();
  const works = "Object.keys(sessionStorage).filter((key) => key.startsWith('automed.work.')).length";
  expect(await page.evaluate(works)).toBe(1);
  await page.evaluate(`for (let size = 1 << 22, at = 0; size >= 1; at += 1) {
    try { sessionStorage.setItem('filler' + at, 'x'.repeat(size)); } catch { size >>= 1; }
  }`);
  // An object beside the next mask takes more than there is.
  await page.getByRole('button', { name: /Keep as object/ }).click();
  await click(page, 0.3, 0.3);
  await masked(page).waitFor();
  await ready(page);
  expect(await page.evaluate(works)).toBe(0);
});

test('another tab knows nothing of the image', async () => {
  const { page } = await openPage(browser, `${services.url}/interactive`);
  await page.getByText('Drop an image here').waitFor();
});

test('a click on the example draws what is there', async () => {
  const { page, complaints } = await openPage(browser, `${services.url}/interactive`);
  await page.getByRole('button', { name: 'Use an example' }).click();
  // A base that was trained to follow prompts, where there is one.
  const trained = (await page.getByLabel('Base').locator('option').allInnerTexts()).find((name) =>
    name.includes('prompts'),
  );
  if (trained !== undefined) await page.getByLabel('Base').selectOption(trained);
  await ready(page);
  await click(page, 0.37, 0.5);
  await masked(page).waitFor();
  await ready(page);
  await picture(page, 'interactive');
  expect(complaints).toEqual([]);
});
