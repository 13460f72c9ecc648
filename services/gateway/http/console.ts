// The console: static files that Vite built into dist/console, with the headers that keep a page to this host.

import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { packageRoot } from '../../common/installation';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
};

/** Paths that the console's own router knows; each is answered with its one HTML file. */
const PAGES = [
  '/',
  ...['/try', '/interactive', '/jobs', '/jobs/:id', '/models', '/models/:id', '/data', '/data/:id'],
  ...['/deliveries', '/deliveries/:id', '/operations', '/review', '/review/:id'],
];

/** One result and nothing else, which pages of other origins may show where the configuration says so. */
const RESULT = '/results/:id';

/** No script that is not a file of this host, no other host at all, in nobody's frame. */
const CONTENT_POLICY = [
  "default-src 'none'",
  // WebAssembly of this host's own scripts: the mask decoder under the pointer.
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
];

const policyFor = (frames: readonly string[]): string =>
  [...CONTENT_POLICY, `frame-ancestors ${frames.length === 0 ? "'none'" : frames.join(' ')}`].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': policyFor([]),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

interface StaticFile {
  body: Buffer;
  gzip: Buffer;
  type: string;
  etag: string;
  /** Vite puts a hash of the content into these names. */
  forever: boolean;
}

/** Answers a browser that wants a page where there is none with one that says so. @returns undefined for other callers */
export type MissingPage = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined;

/**
 * Adds the console's routes; without a built console there are none.
 * @param frames origins whose pages may show a result in a frame
 * @param folder default: dist/console of this installation
 */
export async function serveConsole(
  app: FastifyInstance,
  frames: readonly string[],
  folder = consoleFolder(),
): Promise<MissingPage> {
  const files = await readFiles(folder);
  const page = files.get('/index.html');
  if (page === undefined) return () => undefined;
  for (const path of PAGES) app.get(path, (request, reply) => send(request, reply, page));
  const framed = { 'content-security-policy': policyFor(frames) };
  app.get(RESULT, (request, reply) => send(request, reply, page, framed));
  for (const [path, file] of files) if (file !== page) app.get(path, (request, reply) => send(request, reply, file));
  return (request, reply) => (wantsPage(request) ? send(request, reply.code(404), page) : undefined);
}

const wantsPage = ({ method, headers }: FastifyRequest): boolean =>
  method === 'GET' && /\btext\/html\b/.test(headers.accept ?? '');

export const consoleFolder = (): string => join(packageRoot(), 'dist', 'console');

/** All files of a folder by their path in a URL; empty when there is no such folder. */
async function readFiles(folder: string): Promise<Map<string, StaticFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, StaticFile>();
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const url = path.slice(folder.length).replaceAll('\\', '/');
    const body = await readFile(path);
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    files.set(url, { body, gzip: gzipSync(body, { level: 9 }), type, etag, forever: url.startsWith('/assets/') });
  }
  return files;
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  file: StaticFile,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  void reply.headers({
    ...HEADERS,
    ...headers,
    'content-type': file.type,
    etag: file.etag,
    vary: 'accept-encoding',
    'cache-control': file.forever ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (reply.statusCode === 200 && request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(file.body);
  return reply.header('content-encoding', 'gzip').send(file.gzip);
}
