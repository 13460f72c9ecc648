// A browser beside real services: what a test of the console needs.

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Where pictures of the pages go for the documentation; they are written where AUTOMED_SCREENSHOTS says so. */
const PICTURES = join(__dirname, '../../docs/images/console');
/** Of one step on a machine that is busy with other things. */
const TIMEOUT_MS = 120_000;
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('There is no Chromium: apt-get install -y chromium');
  // Root has no sandbox.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
}

export interface Opened {
  page: Page;
  /** What the page complained of: errors, and what the content policy held back. */
  complaints: string[];
  /** Hosts that were asked beside the server's own. */
  strangers: string[];
}

/** A new window, with nothing kept from others. */
export async function openPage(browser: Browser, url: string, dark = false): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: dark ? 'dark' : 'light',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && origin !== new URL(url).origin) strangers.push(origin);
  });
  await page.goto(url);
  return { page, complaints, strangers };
}

export async function picture(page: Page, name: string): Promise<void> {
  if (process.env['AUTOMED_SCREENSHOTS'] !== '1') return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}
