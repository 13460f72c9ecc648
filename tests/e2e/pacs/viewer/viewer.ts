// Cornerstone in headless Chromium: its packages are installed apart, bundled, and served with the objects that it is to open.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM, openPage, startBrowser } from '../../../console/browser';
import { apart, installApart } from '../apart';

const ROOT = join(__dirname, '../../../..');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Why there is no viewer; undefined: there is one. */
export const installViewer = (): string | undefined =>
  CHROMIUM === undefined ? 'apt-get install chromium' : installApart('viewer');

/** Answers the folder of the page. */
function bundle(): string {
  const folder = apart('viewer');
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build'], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`Cornerstone could not be bundled: ${stderr.slice(-1000)}`);
  return join(folder, 'out');
}

export interface OpenedPicture {
  uid: string;
  width: number;
  height: number;
  pixels: number[];
}

export interface OpenedSegmentation {
  /** Of each layer and image. */
  images: { uid: string; labels: number[] }[];
  /** Labels by segment number. */
  segments: Record<string, string>;
}

export interface ReportItem {
  /** Scheme and value of the concept, and of a coded value. */
  concept: string;
  code?: string;
  type: string;
  value?: number;
  unit?: string;
  text?: string;
  object?: string;
  segment?: number;
}

interface InPage {
  viewer: Record<string, (...args: unknown[]) => Promise<unknown>>;
}

export class Viewer {
  private constructor(
    private readonly server: Server,
    private readonly browser: Browser,
    private readonly page: Page,
    /** By path. */
    private readonly objects: Map<string, Buffer>,
  ) {}

  static async open(): Promise<Viewer> {
    const [built, objects] = [bundle(), new Map<string, Buffer>()];
    const server = createServer((request, response) => {
      const name = new URL(request.url ?? '/', 'http://localhost').pathname;
      const object = objects.get(name);
      const file = join(built, name === '/' ? 'index.html' : name);
      const body = object ?? (existsSync(file) ? readFileSync(file) : undefined);
      const type = object ? 'application/dicom' : (TYPES[extname(file)] ?? 'application/octet-stream');
      response.writeHead(body ? 200 : 404, { 'Content-Type': type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const browser = await startBrowser();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { page, complaints } = await openPage(browser, url);
    await page
      .waitForFunction(() => 'viewer' in globalThis)
      .catch((error: unknown) => {
        throw new Error(`Cornerstone did not start: ${complaints.join('; ')}`, { cause: error });
      });
    return new Viewer(server, browser, page, objects);
  }

  picture(bytes: Buffer): Promise<OpenedPicture> {
    return this.ask('openPicture', this.offer(bytes));
  }

  /** @param images in the order in which the viewer shows them */
  segmentation(images: readonly Buffer[], bytes: Buffer): Promise<OpenedSegmentation> {
    const urls = images.map((image) => this.offer(image));
    return this.ask('openSegmentation', urls, this.offer(bytes));
  }

  report(bytes: Buffer): Promise<{ content: ReportItem[] }[]> {
    return this.ask('openReport', this.offer(bytes));
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }

  private offer(bytes: Buffer): string {
    const path = `/objects/${this.objects.size}.dcm`;
    this.objects.set(path, bytes);
    return path;
  }

  private async ask<T>(name: string, ...args: unknown[]): Promise<T> {
    const call = { name, args };
    return (await this.page.evaluate(
      (asked) => (globalThis as unknown as InPage).viewer[asked.name]?.(...asked.args),
      call,
    )) as T;
  }
}
