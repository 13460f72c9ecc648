// The page Try as a person uses it: an image in, masks and classes out.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { dicomFile, greyDicom, greyElements, RLE, rleFrame } from '../support/dicom';
import { gray } from '../../services/console-kit/viewer/lookup-table';
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

test('an image that is chosen gets masks and classes from every model', async () => {
  const { page, complaints, strangers } = await openPage(browser, services.url);
  await page.getByText('Drop an image here').waitFor();
  const { png } = await discImage(300, 200);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.getByRole('heading', { name: 'polyp@1' }).waitFor();
  await page.getByRole('heading', { name: 'tumour@1' }).waitFor();
  expect(await page.locator('.mask-row').count()).toBe(2);
  expect(await page.locator('.class-row').count()).toBe(3);
  expect(await page.getByText(/Answered in/).count()).toBe(1);
  // One model less, one card less.
  await page.getByRole('checkbox', { name: /tumour/ }).uncheck();
  await page.getByRole('heading', { name: 'tumour@1' }).waitFor({ state: 'detached' });
  expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] });
});

test('the cursor says how probable each structure is, inside a mask and outside', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  const { png } = await discImage(300, 200);
  const answered = page.waitForResponse(
    (response) =>
      response.url().endsWith('/Segment') && (response.request().postData() ?? '').includes('probabilities'),
  );
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await answered;
  await page.locator('canvas').hover();
  await page
    .locator('.readout')
    .getByText(/polyp \d+\.\d %, vessel \d+\.\d %/)
    .waitFor();
  // A structure that is hidden is not spoken of.
  await page.getByRole('button', { name: 'Hide vessel' }).click();
  await page.locator('canvas').hover();
  await page
    .locator('.readout')
    .getByText(/polyp \d+\.\d %$/)
    .waitFor();
  expect(complaints).toEqual([]);
});

test('where a class was found is laid over the image, of one class at a time, and goes with the frame', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  const { png } = await discImage(300, 200);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.getByText(/Answered in/).waitFor();
  const screenshot = async (): Promise<Buffer> => {
    await page.mouse.move(5, 5);
    return page.locator('canvas').screenshot();
  };
  const before = await screenshot();
  const [first, second] = await page.getByRole('button', { name: /^Where / }).all();
  const answered = page.waitForResponse('**/Classify');
  await first?.click();
  const { saliency } = (await (await answered).json()) as { saliency?: { className: string } };
  await page.getByText(`Orange places speak for ${saliency?.className}`).waitFor();
  const deadline = Date.now() + 30_000;
  while ((await screenshot()).equals(before) && Date.now() < deadline) await page.waitForTimeout(100);
  expect((await screenshot()).equals(before)).toBe(false);
  await second?.click();
  expect(await page.getByRole('button', { pressed: true, name: /^Where / }).count()).toBe(1);
  await second?.click();
  await page.getByText(/Orange places/).waitFor({ state: 'detached' });
  expect((await screenshot()).equals(before)).toBe(true);
  expect(complaints).toEqual([]);
});

test('a DICOM file is windowed in Hounsfield units, and areas are in square millimetres', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  const file = { name: 'slice.dcm', mimeType: 'application/dicom', buffer: ctSlice() };
  await page.getByLabel('Choose a file').setInputFiles(file);
  await page.locator('.readout').getByText('W 400 L 40').waitFor();
  await page.getByLabel('Window presets').selectOption({ label: 'Lung' });
  await page.locator('.readout').getByText('W 1500 L -600').waitFor();
  await page.locator('canvas').hover();
  await page.locator('.readout').getByText(/HU/).waitFor();
  await page.getByRole('heading', { name: 'polyp@1' }).waitFor();
  expect(await page.locator('.mask-row').first().innerText()).toMatch(/mm²|not found/);
  expect(complaints).toEqual([]);
});

test('the pixels on the screen are those of the file, smaller, enlarged, moved and in part beside the canvas', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  // Four quarters of one value each, far larger than the screen.
  const side = 1600;
  const quarter = (at: number): number => 2 * Math.floor(at / side / 800) + Math.floor((at % side) / 800);
  const values = Array.from({ length: side * side }, (_, at) => [0, 1000, 2000, 4000][quarter(at)] ?? 0);
  const buffer = greyDicom({ width: side, height: side, values });
  await page.getByLabel('Choose a file').setInputFiles({ name: 'large.dcm', mimeType: 'application/dicom', buffer });
  await page.getByText(`${side} × ${side}`).waitFor();
  for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
  const shown = async (): Promise<number[]> =>
    page.evaluate<number[]>(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
      const canvas = document.querySelector('canvas');
      const { width, height } = canvas;
      const [x, y] = [width / 2, height / 2];
      const at = (dx, dy) => canvas.getContext('2d').getImageData(x + dx, y + dy, 1, 1).data[0];
      resolve([at(-9, -9), at(9, -9), at(-9, 9), at(9, 9)]);
    })))`);
  await page.locator('canvas').focus();
  const fitted = await shown();
  expect(fitted).toEqual([0, 64, 128, 255]);
  for (const key of ['1', '+', '+', '+', '+', '+', '+']) {
    await page.keyboard.press(key);
    expect(await shown()).toEqual(fitted);
  }
  await page.keyboard.press('i');
  expect(await shown()).toEqual(fitted.map((value) => 255 - value));
  await page.keyboard.press('i');
  // So far to the left that the right half alone is there, and then nothing.
  await page.keyboard.press('1');
  for (let count = 0; count < 5; count += 1) await page.keyboard.press('ArrowRight');
  expect(await shown()).toEqual([64, 64, 255, 255]);
  for (let count = 0; count < 60; count += 1) await page.keyboard.press('ArrowRight');
  expect(await shown()).toEqual([0, 0, 0, 0]);
  expect(complaints).toEqual([]);
});

test('at 1:1 and above every pixel is its own value in the window, whichever window', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  const side = 900;
  const valueAt = (x: number, y: number): number => (x * 31 + y * 17) % 4096;
  const values = Array.from({ length: side * side }, (_, at) => valueAt(at % side, Math.floor(at / side)));
  const buffer = greyDicom({ width: side, height: side, values });
  await page.getByLabel('Choose a file').setInputFiles({ name: 'large.dcm', mimeType: 'application/dicom', buffer });
  await page.getByText(`${side} × ${side}`).waitFor();
  for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
  const box = await page.locator('canvas').boundingBox();
  if (!box) throw new Error('no canvas');
  const [middleX, middleY] = [Math.floor(box.width / 2), Math.floor(box.height / 2)];
  /** Greys of the screen from the middle to the right. */
  const row = async (count: number): Promise<number[]> =>
    page.evaluate<number[]>(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
      const canvas = document.querySelector('canvas');
      const { data } = canvas.getContext('2d').getImageData(${middleX}, ${middleY}, ${count}, 1);
      resolve(Array.from({ length: ${count} }, (_, at) => data[4 * at]));
    })))`);
  const pointed = async (): Promise<[number, number]> => {
    await page.mouse.move(box.x + middleX + 0.5, box.y + middleY + 0.5);
    const text = await page.locator('.readout').innerText();
    const [, x, y] = /(\d+), (\d+) ·/.exec(text) ?? [];
    return [Number(x), Number(y)];
  };
  const drag = async (x: number, y: number): Promise<void> => {
    await page.mouse.move(box.x + middleX, box.y + middleY);
    await page.mouse.down();
    await page.mouse.move(box.x + middleX + x, box.y + middleY + y, { steps: 5 });
    await page.mouse.up();
  };
  const windows = async (): Promise<{ center: number; width: number }> => {
    const [, width, center] = /W (\d+) L (-?\d+)/.exec(await page.locator('.readout').innerText()) ?? [];
    return { center: Number(center), width: Number(width) };
  };
  await page.locator('canvas').focus();
  await page.keyboard.press('1');
  for (const [x, y] of [
    [0, 0],
    [-150, 40],
    [60, -90],
  ] as const) {
    await drag(x, y);
    const window = await windows();
    const [column, line] = await pointed();
    const shown = await row(40);
    // The readout rounds both numbers of the window.
    const slack = 2 + 255 / window.width;
    shown.forEach((grey, at) =>
      expect(Math.abs(grey - gray(valueAt(column + at, line), window))).toBeLessThanOrEqual(slack),
    );
    expect(new Set(shown).size).toBeGreaterThan(5);
  }
  expect(complaints).toEqual([]);
});

test('frames of a DICOM file are stepped through and played, and the models are asked about the one that is shown', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  const values = Array.from({ length: 3 * 32 * 32 }, (_, at) => 100 * Math.floor(at / 1024) + (at % 32));
  const buffer = greyDicom({ width: 32, height: 32, frames: 3, values });
  await page.getByLabel('Choose a file').setInputFiles({ name: 'run.dcm', mimeType: 'application/dicom', buffer });
  await page.getByText('1 / 3').waitFor();
  await page.getByText(/Answered in/).waitFor();
  const asked = page.waitForRequest((request) => (request.postData() ?? '').includes('"frameNumber":2'));
  await page.locator('canvas').press('PageDown');
  await page.getByText('2 / 3').waitFor();
  await asked;
  await page.getByRole('button', { name: 'Play frames' }).click();
  await page.getByText('1 / 3').waitFor();
  await page.getByRole('button', { name: 'Stop playing' }).click();
  expect(complaints).toEqual([]);
});

test('masks of one frame never lie on another: they go before the models answer, and where they do not', async () => {
  const { page } = await openPage(browser, services.url);
  const values = Array.from({ length: 2 * 32 * 32 }, (_, at) => 100 * Math.floor(at / 1024) + (at % 32));
  const buffer = greyDicom({ width: 32, height: 32, frames: 2, values });
  await page.getByLabel('Choose a file').setInputFiles({ name: 'run.dcm', mimeType: 'application/dicom', buffer });
  await page.getByText(/Answered in/).waitFor();
  expect(await page.locator('.mask-row').count()).toBe(2);
  expect(await page.getByText('Opacity').count()).toBe(1);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/v1/**', async (route) => {
    await held;
    await route.abort();
  });
  await page.locator('canvas').press('PageDown');
  await page.getByText('2 / 2').waitFor();
  await page.locator('.mask-row').first().waitFor({ state: 'detached' });
  expect(await page.getByText('Opacity').count()).toBe(0);
  release();
  await page.getByRole('alert').waitFor();
  expect(await page.locator('.mask-row').count()).toBe(0);
  expect(await page.getByText('Opacity').count()).toBe(0);
});

test('compressed DICOM and TIFF are shown as the server reads them', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  const values = (frame: number): number[] => Array.from({ length: 64 * 48 }, (_, at) => (at % 64) + 100 * frame);
  const elements = {
    ...greyElements({ width: 64, height: 48, bits: 8, frames: 2 }),
    '00280030': ['DS', '0.5\\0.5'],
  } as const;
  const buffer = dicomFile(elements, RLE, [rleFrame(values(0)), rleFrame(values(1))]);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'rle.dcm', mimeType: 'application/dicom', buffer });
  await page.locator('.readout').getByText('64 × 48').waitFor();
  await page.getByText('1 / 2').waitFor();
  await page.getByText(/Answered in/).waitFor();
  await page.locator('canvas').press('PageDown');
  await page.getByText('2 / 2').waitFor();
  const raw = { width: 40, height: 30, channels: 1 } as const;
  const tiff = await sharp(Buffer.alloc(1200, 200), { raw }).tiff({ compression: 'lzw' }).toBuffer();
  await page.getByLabel('Another image').setInputFiles({ name: 'slice.tiff', mimeType: 'image/tiff', buffer: tiff });
  await page.locator('.readout').getByText('40 × 30').waitFor();
  await page.getByText(/Answered in/).waitFor();
  expect(complaints).toEqual([]);
});

test('the example shows what the page is for', async () => {
  const { page, complaints } = await openPage(browser, services.url);
  await page.getByRole('button', { name: 'Use an example' }).click();
  await page.getByText(/Answered in/).waitFor();
  await picture(page, 'try');
  expect(complaints).toEqual([]);
});

test('what is no image is told, with what to do', async () => {
  const { page } = await openPage(browser, services.url);
  const file = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') };
  await page.getByLabel('Choose a file').setInputFiles(file);
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').innerText()).toContain('This is no image that the browser or the server reads');
});

test('a file that is too large for the server is shown, and told with what to do', async () => {
  const { page } = await openPage(browser, services.url);
  const frames = 9;
  const elements = greyElements({ width: 2048, height: 2048, frames });
  const path = join(services.home, 'large.dcm');
  writeFileSync(path, dicomFile({ ...elements, '7fe00010': ['OW', Buffer.alloc(frames * 2048 * 2048 * 2)] }));
  await page.getByLabel('Choose a file').setInputFiles(path);
  await page.locator('.readout').getByText('2048 × 2048').waitFor();
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').innerText()).toMatch(/larger than the 64 MiB .* Send a smaller image/);
});

test('while the server is away the page says so, and answers when it is asked again', async () => {
  const { page } = await openPage(browser, services.url);
  await page.getByRole('checkbox').first().waitFor();
  await page.route('**/v1/**', (route) => route.abort());
  const { png } = await discImage(120, 80);
  await page.getByLabel('Choose a file').setInputFiles({ name: 'disc.png', mimeType: 'image/png', buffer: png });
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').innerText()).toMatch(/cannot be reached. Is automed serve still running/);
  await page.unroute('**/v1/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText(/Answered in/).waitFor();
});

/** 64 x 64, a disc of 60 HU on -800 HU. */
function ctSlice(): Buffer {
  const side = 64;
  const values = Buffer.alloc(2 * side * side);
  for (let at = 0; at < side * side; at += 1) {
    const inside = Math.hypot((at % side) - 32, Math.floor(at / side) - 32) < 20;
    values.writeInt16LE((inside ? 60 : -800) + 1024, 2 * at);
  }
  return dicomFile({
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.2'],
    '00080018': ['UI', '1.2.3.4'],
    '00080060': ['CS', 'CT'],
    '00280002': ['US', [1]],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280010': ['US', [side]],
    '00280011': ['US', [side]],
    '00280030': ['DS', '0.5\\0.5'],
    '00280100': ['US', [16]],
    '00280101': ['US', [16]],
    '00280102': ['US', [15]],
    '00280103': ['US', [1]],
    '00281050': ['DS', '40'],
    '00281051': ['DS', '400'],
    '00281052': ['DS', '-1024'],
    '00281053': ['DS', '1'],
    '7fe00010': ['OW', values],
  });
}
