// The console's files, through a gateway that runs as a process.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startProgram, type Program } from '../../support/stack';

const FOLDER = join(__dirname, '../../../dist/console');
/** Of everything that a browser may ever fetch of it, gzip. */
const LARGEST_BYTES = 300_000;

let gateway: Program;
let url: string;

beforeAll(async () => {
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: '127.0.0.1:1',
    AUTOMED_CLASSIFICATION_BACKENDS: '',
    AUTOMED_TRAINING_BACKENDS: '',
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
    AUTOMED_HTTP_FRAME_ORIGINS: 'https://pacs.example.org',
  });
  url = `http://${gateway.httpAddress}`;
});
afterAll(() => gateway.stop());

test.each(['/', '/try', '/jobs/0123456789abcdef'])(
  '%s is the page, which names files of this host alone',
  async (path) => {
    const response = await fetch(url + path);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(policy).toContain("default-src 'none'");
    // WebAssembly of its own files may be compiled; no text is run as a script, and no script or style stands in the page.
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).not.toContain("'unsafe-");
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|https?:/);
    for (const [, file = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const { status, headers } = await fetch(url + file);
      expect({ file, status, sniff: headers.get('x-content-type-options') }).toEqual({
        file,
        status: 200,
        sniff: 'nosniff',
      });
    }
  },
);

test('pages of the origins that are named may show a result in a frame, and nothing else of the console', async () => {
  const policy = async (path: string): Promise<string> =>
    (await fetch(url + path)).headers.get('content-security-policy') ?? '';
  expect(await policy('/results/0123')).toContain('frame-ancestors https://pacs.example.org');
  for (const path of ['/', '/review', '/review/polyps', '/openapi.json/../try']) {
    expect(await policy(path)).toContain("frame-ancestors 'none'");
  }
});

test('files with a hash in their name are kept for ever, the page is asked for again', async () => {
  const page = await fetch(url);
  const script = /src="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const asset = await fetch(url + script);
  expect(asset.headers.get('cache-control')).toContain('immutable');
  expect(asset.headers.get('content-encoding')).toBe('gzip');
  const again = await fetch(url, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
  expect(again.status).toBe(304);
});

test('what is no page stays an error of the API', async () => {
  for (const path of ['/nothing', '/assets/../../package.json', '/assets/%2e%2e/%2e%2e/package.json']) {
    const response = await fetch(url + path);
    expect({ path, status: response.status }).toEqual({ path, status: 404 });
    expect(await response.json()).toMatchObject({ error: { status: 'NOT_FOUND' } });
  }
});

test('a browser that wants a page gets one that says that there is none', async () => {
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
  const page = await fetch(url);
  for (const path of ['/nowhere', '/jobs/0123/4567']) {
    const headers = { accept, 'if-none-match': page.headers.get('etag') ?? '' };
    const response = await fetch(url + path, { headers });
    expect({ path, status: response.status }).toEqual({ path, status: 404 });
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(await response.text()).toContain('<div id="app">');
  }
  const posted = await fetch(`${url}/nowhere`, { method: 'POST', headers: { accept } });
  expect({ status: posted.status, body: await posted.json() }).toMatchObject({
    status: 404,
    body: { error: { status: 'NOT_FOUND' } },
  });
});

test('all of it together is small', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /[.](js|css|html)$/.test(name),
  );
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(FOLDER, name)), { level: 9 }).length, 0);
  expect(files.length).toBeGreaterThan(3);
  expect(bytes).toBeLessThan(LARGEST_BYTES);
});
