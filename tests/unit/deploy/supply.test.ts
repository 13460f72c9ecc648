// `npm run audit` against a registry of the test's own, and `npm run sbom`.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'automed-supply-'));
const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  code: number;
  stdout: string;
}

function script(name: string, args: string[], registry?: string, root = ROOT): Promise<Run> {
  // npm keeps what a registry answered.
  const cache = mkdtempSync(join(folder, 'cache-'));
  const settings = registry === undefined ? {} : { npm_config_registry: registry, npm_config_cache: cache };
  const env = { ...process.env, ...settings };
  return new Promise((resolve) =>
    execFile(process.execPath, [join(root, 'deploy/supply', name), ...args], { env }, (error, stdout) =>
      resolve({ code: error ? Number(error.code) : 0, stdout }),
    ),
  );
}

/** A registry that knows these advisories, of packages by name. */
async function registry(advisories: Record<string, object[]> | undefined): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (!advisories || !request.url?.includes('/advisories/bulk')) response.writeHead(405).end();
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(advisories));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const advisory = (severity: string, id = 'GHSA-aaaa-bbbb-cccc'): object => ({
  id: 1,
  url: `https://github.com/advisories/${id}`,
  title: 'reads beyond its end',
  severity,
  vulnerable_versions: '*',
  cwe: [],
  cvss: { score: 0, vectorString: null },
});

function policy(fields: object): string {
  const path = join(folder, 'policy.json');
  writeFileSync(path, JSON.stringify({ failFrom: 'high', accepted: [], ...fields }));
  return path;
}

test('an advisory of the policy or above fails, one below is told', async () => {
  const high = await script('audit.mjs', [], await registry({ fastify: [advisory('high')] }));
  expect(high.stdout).toContain('high GHSA-aaaa-bbbb-cccc fastify');
  expect(high.code).toBe(1);
  const low = await script('audit.mjs', [], await registry({ fastify: [advisory('moderate')] }));
  expect(low).toMatchObject({ code: 0, stdout: expect.stringContaining('below the policy') });
}, 60_000);

test('an advisory may be accepted with a reason, until a day', async () => {
  const url = await registry({ fastify: [advisory('critical')] });
  const accepted = (until: string) => [{ id: 'GHSA-aaaa-bbbb-cccc', until, reason: 'that path is not used' }];
  expect(await script('audit.mjs', [policy({ accepted: accepted('2999-01-01') })], url)).toMatchObject({ code: 0 });
  expect(await script('audit.mjs', [policy({ accepted: accepted('2020-01-01') })], url)).toMatchObject({ code: 1 });
  const without = [{ id: 'GHSA-aaaa-bbbb-cccc', until: '2999-01-01' }];
  expect(await script('audit.mjs', [policy({ accepted: without })], url)).toMatchObject({ code: 2 });
}, 60_000);

test('a registry that tells no advisories is named, and nothing passes for audited', async () => {
  const run = await script('audit.mjs', [], await registry(undefined));
  expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/^SKIPPED: .*nothing was audited/) });
}, 60_000);

test('a registry that is not there is named, but what is wrong here fails', async () => {
  const nowhere = 'http://127.0.0.1:1/';
  expect(await script('audit.mjs', [], nowhere)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^SKIPPED/) });
  const root = mkdtempSync(join(folder, 'root-'));
  for (const path of ['package.json', 'deploy/supply']) cpSync(join(ROOT, path), join(root, path), { recursive: true });
  const run = await script('audit.mjs', [], await registry({}), root);
  expect(run).toMatchObject({ code: 2, stdout: expect.stringContaining('lockfile') });
}, 60_000);

test('the list of what a deployment holds is CycloneDX, with every package of the lock file and LibTorch', async () => {
  const file = join(folder, 'sbom.json');
  expect(await script('sbom.mjs', [file])).toMatchObject({ code: 0 });
  const bom = JSON.parse(readFileSync(file, 'utf8')) as {
    bomFormat: string;
    components: { name: string; version: string; purl: string }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  expect(bom.bomFormat).toBe('CycloneDX');
  const names = new Set(bom.components.map(({ purl }) => decodeURIComponent(purl)));
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<
      string,
      { version: string; dev?: boolean; optional?: boolean; devOptional?: boolean; peer?: boolean }
    >;
  };
  const locked = Object.entries(lock.packages).filter(
    ([path, { dev, optional, devOptional, peer }]) => path !== '' && !dev && !optional && !devOptional && !peer,
  );
  const missing = locked
    .map(([path, { version }]) => `pkg:npm/${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`)
    .filter((purl) => !names.has(purl));
  expect(locked.length).toBeGreaterThan(100);
  expect(missing).toEqual([]);
  expect([...names].some((purl) => purl.startsWith('pkg:pypi/torch@'))).toBe(true);
  const refs = new Set(bom.dependencies.flatMap(({ dependsOn }) => dependsOn));
  expect([...refs].some((ref) => ref.startsWith('pkg:pypi/torch@'))).toBe(true);
}, 60_000);
