// npm run bench:console: how soon the console's first page is there on a slow machine, and how quickly a window follows the mouse.

import { setTimeout } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { baseArchitecture } from '../../services/store';
import { greyDicom } from '../support/dicom';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { openPage, startBrowser } from '../console/browser';
import { startServices } from '../console/services';

const SIDE = 2048;
const SLOWER = 4;
const STEPS = 240;
const DELAY_MS = 50;
/** Between two reports of a mouse. */
const MOUSE_MS = 8;
/** Notes when each frame of the viewer was drawn. */
const NOTE_FRAMES = `
  globalThis.frameTimes = [];
  new MutationObserver(() => frameTimes.push(document.timeline.currentTime)).observe(
    document.querySelector('canvas'),
    { attributeFilter: ['data-drawn'] },
  );
`;

/** Opens a page and closes it again: what one figure leaves running would slow the next one. */
async function onPage<T>(browser: Browser, url: string, measure: (page: Page) => Promise<T>): Promise<T> {
  const { page } = await openPage(browser, url);
  try {
    return await measure(page);
  } finally {
    await page.context().close();
  }
}

/**
 * Milliseconds until the page's heading can be used, with the CPU slowed down. Chromium slows a page by keeping a core busy, for
 * as long as the page is open.
 */
async function firstPage(url: string, page: Page): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  const begun = performance.now();
  await page.goto(url);
  await page.getByText('Drop an image here').waitFor();
  return performance.now() - begun;
}

/** Frames that the viewer draws each second while the window is dragged; the browser has 60 of them. */
async function windowing(page: Page): Promise<number> {
  const values = Array.from({ length: SIDE * SIDE }, (_, at) => (at * 31) % 4096);
  const buffer = greyDicom({ width: SIDE, height: SIDE, values });
  await page.getByLabel('Choose a file').setInputFiles({ name: 'large.dcm', mimeType: 'application/dicom', buffer });
  await page.getByText(`${SIDE} × ${SIDE}`).waitFor();
  for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
  const canvas = await page.locator('canvas').boundingBox();
  if (!canvas) throw new Error('no canvas');
  await page.mouse.move(canvas.x + 100, canvas.y + 100);
  await page.mouse.down();
  await page.evaluate(NOTE_FRAMES);
  // A mouse does not wait for the page: whoever awaits each move measures the way to the browser and back.
  const moves: Promise<void>[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    moves.push(page.mouse.move(canvas.x + 100 + step, canvas.y + 100 + step));
    await setTimeout(MOUSE_MS);
  }
  await Promise.all(moves);
  const times = await page.evaluate<number[]>('frameTimes');
  return (1000 * (times.length - 1)) / ((times.at(-1) ?? NaN) - (times[0] ?? NaN));
}

/**
 * Median of the milliseconds from the pointer's event to the painted frame with the mask of its place, with every answer of the server
 * 50 ms late. The base is of random weights: its masks are noise, the most that an outline can be.
 */
async function hovering(page: Page): Promise<number> {
  await page.route('**/v1/**', async (route) => {
    await setTimeout(DELAY_MS);
    await route.continue();
  });
  const { png } = await discImage(512, 512);
  const decoder = page.waitForResponse('**/GetMaskDecoder');
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await decoder;
  await page.waitForTimeout(2_000);
  const canvas = await page.locator('canvas').boundingBox();
  if (!canvas) throw new Error('no canvas');
  await page.evaluate("performance.clearMeasures('automed.preview')");
  for (let step = 0; step < STEPS; step += 1) {
    await page.mouse.move(canvas.x + 150 + step, canvas.y + 150 + step);
    await page.waitForTimeout(30);
  }
  const times = await page.evaluate<number[]>(
    "performance.getEntriesByName('automed.preview').map(({ duration }) => duration)",
  );
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? NaN;
}

/** A base whose decoder has the published size; its encoder is small, for it is not what is measured. */
async function wideBase(home: string): Promise<void> {
  const { architecture } = baseArchitecture('tiny');
  const decoder = { depth: 2, heads: 8, mlp_dim: 2048, iou_hidden: 256, multimask_outputs: 3 };
  await makeStore(home, 'tiny', { ...architecture, out_channels: 256, decoder });
}

async function main(): Promise<void> {
  const services = await startServices({ fill: wideBase });
  const browser = await startBrowser();
  try {
    const times: number[] = [];
    for (let run = 0; run < 5; run += 1)
      times.push(await onPage(browser, 'about:blank', (page) => firstPage(services.url, page)));
    times.sort((a, b) => a - b);
    console.log(`first page, CPU ${SLOWER} x slower: median ${Math.round(times[2] ?? 0)} ms of 5`);
    const frames = await onPage(browser, services.url, windowing);
    const hover = await onPage(browser, `${services.url}/interactive`, hovering);
    console.log(`mask under the pointer, ${DELAY_MS} ms to the server: median ${hover.toFixed(0)} ms`);
    console.log(`window of ${SIDE} x ${SIDE}, 16 bits: ${frames.toFixed(1)} frames/s`);
  } finally {
    await browser.close();
    await services.stop();
  }
}

void main();
