// HTTP/JSON through a gateway that runs as a process, to a backend that answers what it is asked.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createKey, formatKeys } from '../../../services/access/api-keys';
import { automedError } from '../../../services/common/errors';
import { unary } from '../../../services/common/grpc/handlers';
import { protoRoot, serviceDefinition } from '../../../services/common/grpc/proto';
import { compiledDescriptors } from '../../../services/common/grpc/reflection';
import type { SegmentRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import { makeAuthority } from '../../support/certificates';
import { eventually, startServer } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const JOBS = 'automed.training.v1.TrainingJobService';
const SEGMENT = `/v1/${SEGMENTATION}/Segment`;
const WATCH = `/v1/${JOBS}/WatchTrainingJob`;
const folder = mkdtempSync(join(tmpdir(), 'automed-http-'));
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Backend {
  address: string;
  seen: SegmentRequest__Output[];
  cancelled: () => number;
}

async function startBackend(): Promise<Backend> {
  const seen: SegmentRequest__Output[] = [];
  let cancelled = 0;
  const running = await startServer((log) => [
    {
      name: SEGMENTATION,
      definition: serviceDefinition(SEGMENTATION),
      implementation: {
        Segment: unary(log, async (request: SegmentRequest__Output, context) => {
          seen.push(request);
          if (request.model === 'busy') throw automedError('QUEUE_FULL', 'The queue is full.', { retryAfterMs: 1500 });
          if (request.model === 'hang') {
            await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
            cancelled += 1;
          }
          if (request.model === '') throw automedError('INVALID_ARGUMENT', 'model is missing.', { field: 'model' });
          const size = request.image?.encoded?.length ?? 0;
          return { masks: [{ structure: 'polyp', png: Buffer.from('mask'), areaPx: size }], threshold: 0.5 };
        }),
      },
    },
    {
      name: JOBS,
      definition: serviceDefinition(JOBS),
      implementation: {
        WatchTrainingJob: (call: {
          request: { id: string; resumeToken: string };
          write: (event: object) => void;
          end: () => void;
          emit: (name: string, error: object) => void;
          on: (name: string, run: () => void) => void;
        }) => {
          const { id, resumeToken } = call.request;
          if (id === 'refused') {
            call.emit('error', { code: 8, details: 'too many' });
            return;
          }
          const first = resumeToken ? Number(resumeToken) + 1 : 1;
          for (const sequence of [first, first + 1])
            call.write({ event: { sequence }, resumeToken: id === 'placed' ? String(sequence) : '' });
          call.write({ heartbeat: true });
          if (Object.values(call.request).includes('broken')) call.emit('error', { code: 5, details: 'gone' });
          else if (Object.values(call.request).includes('endless')) call.on('cancelled', () => (cancelled += 1));
          else call.end();
        },
      },
    },
  ]);
  cleanUp.push(() => running.server.drain(0));
  return { address: running.address, seen, cancelled: () => cancelled };
}

async function start(settings: Record<string, string> = {}): Promise<Backend & { gateway: Program; url: string }> {
  const backend = await startBackend();
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: backend.address,
    AUTOMED_CLASSIFICATION_BACKENDS: backend.address,
    AUTOMED_TRAINING_BACKENDS: backend.address,
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
    ...settings,
  });
  cleanUp.push(() => gateway.stop());
  return { ...backend, gateway, url: `http://${gateway.httpAddress}` };
}

const post = (url: string, body: object | string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

test('a header that gRPC does not take is named, and its value written nowhere', async () => {
  const { url, gateway } = await start();
  const headers = { authorization: 'Bearer hidden-\u00e9' };
  const web = { ...headers, 'content-type': 'application/grpc-web' };
  for (const answer of [
    await post(url + SEGMENT, { model: 'polyp' }, headers),
    await post(`${url}/${SEGMENTATION}/Segment`, '\0\0\0\0\0', web),
  ]) {
    expect(answer.status).toBe(400);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ error: { status: 'INVALID_ARGUMENT', field: 'authorization' } });
    expect(text).not.toContain('hidden');
  }
  expect(JSON.stringify(gateway.lines)).not.toContain('hidden');
});

test('a call in JSON is answered in JSON, with its request id', async () => {
  const { url, seen, gateway } = await start();
  const image = { encoded: Buffer.from('pixels').toString('base64') };
  const answer = await post(url + SEGMENT, { model: 'polyp', image, threshold: 0.25 }, { 'x-request-id': 'mine-1' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-request-id')).toBe('mine-1');
  expect(await answer.json()).toMatchObject({
    masks: [{ structure: 'polyp', png: Buffer.from('mask').toString('base64') }],
    threshold: 0.5,
  });
  expect(seen[0]).toMatchObject({ model: 'polyp', threshold: 0.25, image: { encoded: Buffer.from('pixels') } });
  // The call is one of the gateway's: counted and logged as any other.
  expect(gateway.lines).toContainEqual(
    expect.objectContaining({ event: 'call', method: 'Segment', requestId: 'mine-1', model: 'polyp' }),
  );
});

test('an image comes as a part of a form, without base64', async () => {
  const { url, seen } = await start();
  const pixels = Buffer.from([0, 255, 10, 13, 0]);
  const form = new FormData();
  form.set('request', JSON.stringify({ model: 'polyp', threshold: 0.25 }));
  form.set('image', new Blob([pixels]), 'image.png');
  const answer = await fetch(url + SEGMENT, { method: 'POST', body: form });
  expect(answer.status).toBe(200);
  expect(seen[0]).toMatchObject({ model: 'polyp', threshold: 0.25, image: { encoded: pixels } });
  const other = new FormData();
  other.set('mask', new Blob([pixels]), 'mask.png');
  const refused = await fetch(url + SEGMENT, { method: 'POST', body: other });
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: expect.objectContaining({ reason: 'INVALID_ARGUMENT', field: 'mask' }) as unknown },
  ]);
});

test.each([
  ['what the backend refuses', SEGMENT, {}, 400, { reason: 'INVALID_ARGUMENT', field: 'model' }],
  ['a field that there is not', SEGMENT, { modell: 'x' }, 400, { reason: 'INVALID_ARGUMENT' }],
  ['a value of another type', SEGMENT, { threshold: 'high' }, 400, { reason: 'INVALID_ARGUMENT', field: 'threshold' }],
  ['no JSON', SEGMENT, '{', 400, { reason: 'INVALID_ARGUMENT' }],
  ['a method that there is not', '/v1/automed.x.v1.X/Y', {}, 404, { reason: 'NOT_FOUND' }],
  ['a stream of requests', `/v1/${SEGMENTATION}/SegmentStream`, {}, 404, { reason: 'NOT_FOUND' }],
  ['a full queue', SEGMENT, { model: 'busy' }, 429, { status: 'RESOURCE_EXHAUSTED', retryAfterMs: 1500 }],
])('%s is an error with status, reason and field', async (_what, path, body, status, error) => {
  const { url } = await start();
  const answer = await post(url + path, body);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toEqual({ error: expect.objectContaining(error) as unknown });
  if (status === 429) expect(answer.headers.get('retry-after')).toBe('2');
});

test('a call ends at its time, and with its caller', async () => {
  const { url, cancelled } = await start();
  const late = await post(url + SEGMENT, { model: 'hang' }, { 'x-timeout-ms': '200' });
  expect([late.status, await late.json()]).toMatchObject([504, { error: { reason: 'DEADLINE_EXCEEDED' } }]);
  expect((await post(url + SEGMENT, {}, { 'x-timeout-ms': 'soon' })).status).toBe(400);
  const caller = new AbortController();
  const left = fetch(url + SEGMENT, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"hang"}',
    signal: caller.signal,
  });
  setTimeout(() => caller.abort(), 300);
  await expect(left).rejects.toThrow();
  await eventually(() => cancelled() === 2);
});

test('a stream comes as events, and ends with its reader', async () => {
  const { url, cancelled } = await start();
  const events = await (await post(url + WATCH, {})).text();
  expect(events.split('\n\n').filter(Boolean)).toEqual([
    'data: {"event":{"sequence":"1"}}',
    'data: {"event":{"sequence":"2"}}',
    ': alive',
    'event: end\ndata: {}',
  ]);
  const caller = new AbortController();
  const endless = await fetch(url + WATCH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'endless' }),
    signal: caller.signal,
  });
  await endless.body?.getReader().read();
  caller.abort();
  await eventually(() => cancelled() === 1);
});

test('a stream goes on behind the id of the last event', async () => {
  const { url } = await start();
  const idsOf = async (headers: Record<string, string>): Promise<string[]> => {
    const body = JSON.stringify({ id: 'placed' });
    const answer = await fetch(url + WATCH, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return [...(await answer.text()).matchAll(/^id: (.*)$/gm)].map(([, id]) => id ?? '');
  };
  expect(await idsOf({})).toEqual(['1', '2']);
  expect(await idsOf({ 'last-event-id': '2' })).toEqual(['3', '4']);
});

test('a stream that is refused on arrival has the status of an answer', async () => {
  const { url } = await start();
  const answer = await post(url + WATCH, { id: 'refused' });
  expect(answer.status).toBe(429);
  expect(await answer.json()).toMatchObject({ error: { status: 'RESOURCE_EXHAUSTED' } });
});

test('a stream that fails ends with its error, and the gateway goes on', async () => {
  const { url, gateway } = await start();
  for (let at = 0; at < 3; at += 1) {
    const events = (await (await post(url + WATCH, { id: 'broken' })).text()).split('\n\n').filter(Boolean);
    expect(events.at(-1)).toMatch(/^event: error\ndata: .*NOT_FOUND/);
    expect(events.filter((each) => each.startsWith('event:'))).toHaveLength(1);
  }
  expect(gateway.child.exitCode).toBeNull();
});

test('OpenAPI describes every method, and refers to nothing that is missing', async () => {
  const { url } = await start();
  const text = await (await fetch(`${url}/openapi.json`)).text();
  const description = JSON.parse(text) as { paths: object; components: { schemas: Record<string, object> } };
  expect(Object.keys(description.paths)).toEqual(expect.arrayContaining([SEGMENT, WATCH]));
  const references = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(references.filter((name) => !(name in description.components.schemas))).toEqual([]);
  expect(description.components.schemas['automed.segmentation.v1.SegmentRequest']).toMatchObject({
    properties: { model: { type: 'string' }, image: { $ref: '#/components/schemas/automed.common.v1.Image' } },
  });
});

test('keys are asked for, and TLS is spoken, as with gRPC', async () => {
  const { key, entry } = createKey('viewer', ['predict']);
  writeFileSync(join(folder, 'keys.json'), formatKeys([entry]));
  const authority = makeAuthority(folder);
  const { certFile, keyFile } = authority.issue('gateway', ['127.0.0.1']);
  const { gateway } = await start({
    AUTOMED_KEYS_FILE: join(folder, 'keys.json'),
    AUTOMED_TLS_CERT_FILE: certFile,
    AUTOMED_TLS_KEY_FILE: keyFile,
  });
  const call = (headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = {
        method: 'POST',
        ca: readFileSync(authority.caFile),
        headers: { 'content-type': 'application/json', ...headers },
      };
      httpsRequest(`https://${gateway.httpAddress}${SEGMENT}`, options, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .once('error', reject)
        .end('{"model":"polyp"}');
    });
  expect(await call({})).toBe(401);
  expect(await call({ authorization: `Bearer ${key}` })).toBe(200);
});

describe('pages of other origins', () => {
  const from = (origin: string, more: Record<string, string> = {}): RequestInit => ({
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', ...more },
  });

  test('may call where the gateway names their origin, and read what errors say', async () => {
    const { url } = await start({ AUTOMED_HTTP_ORIGINS: 'https://viewer.example.org' });
    const headers = { 'access-control-request-headers': 'authorization,content-type' };
    const preflight = await fetch(url + SEGMENT, from('https://viewer.example.org', headers));
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://viewer.example.org');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    const response = await fetch(url + SEGMENT, {
      method: 'POST',
      headers: { origin: 'https://viewer.example.org', 'content-type': 'application/json' },
      body: '{"model": "busy"}',
    });
    expect(response.status).toBe(429);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://viewer.example.org');
    expect(response.headers.get('access-control-expose-headers')).toContain('retry-after');
    const stranger = await fetch(url + SEGMENT, from('https://evil.example.org', headers));
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('are told nothing by default, and everything with a star', async () => {
    const closed = await start();
    const answer = await fetch(closed.url + '/openapi.json', { headers: { origin: 'https://viewer.example.org' } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    const open = await start({ AUTOMED_HTTP_ORIGINS: '*' });
    const other = await fetch(open.url + '/openapi.json', { headers: { origin: 'https://any.example.org' } });
    expect(other.headers.get('access-control-allow-origin')).toBe('*');
  });
});

describe('gRPC-Web, by the client of Connect', () => {
  async function client(url: string): Promise<{
    call: (name: string, method: string, input: object, timeoutMs?: number) => Promise<Record<string, unknown>[]>;
  }> {
    const { createClient } = await import('@connectrpc/connect');
    const { createGrpcWebTransport } = await import('@connectrpc/connect-node');
    const transport = createGrpcWebTransport({ baseUrl: url, httpVersion: '1.1' });
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compiledDescriptors(protoRoot())));
    return {
      call: async (name, method, input, timeoutMs) => {
        const service = registry.getService(name);
        if (!service) throw new Error(`no service ${name}`);
        const made = createClient(service, transport) as unknown as Record<
          string,
          (request: object, options: object) => unknown
        >;
        const answer = made[method]?.(input, { headers: { 'x-request-id': 'web-1' }, timeoutMs });
        if (answer instanceof Promise) return [(await answer) as Record<string, unknown>];
        const all: Record<string, unknown>[] = [];
        for await (const each of answer as AsyncIterable<Record<string, unknown>>) all.push(each);
        return all;
      },
    };
  }
  const image = { source: { case: 'encoded', value: new Uint8Array(200_000) } };

  test('calls unary methods, and gets reasons and fields as from gRPC', async () => {
    const { url, seen, gateway } = await start();
    const { call } = await client(url);
    const [answer] = await call(SEGMENTATION, 'segment', { model: 'polyp', image });
    expect(answer).toMatchObject({ threshold: 0.5, masks: [{ structure: 'polyp', areaPx: 200_000n }] });
    expect(seen[0]).toMatchObject({ model: 'polyp' });
    const { ConnectError } = await import('@connectrpc/connect');
    const error = await call(SEGMENTATION, 'segment', { model: '', image }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectError);
    const { code, rawMessage, metadata } = error as InstanceType<typeof ConnectError>;
    expect([code, rawMessage]).toEqual([3, 'model is missing.']);
    const details = Buffer.from(metadata.get('grpc-status-details-bin') ?? '', 'base64').toString('latin1');
    expect(details).toContain('INVALID_ARGUMENT');
    const busy = await call(SEGMENTATION, 'segment', { model: 'busy' }).catch((thrown: unknown) => thrown);
    expect((busy as InstanceType<typeof ConnectError>).metadata.get('grpc-retry-pushback-ms')).toBe('1500');
    expect(gateway.child.exitCode).toBeNull();
  });

  test('streams answers, and holds to deadlines', async () => {
    const { url, cancelled } = await start();
    const { call } = await client(url);
    expect((await call(JOBS, 'watchTrainingJob', { id: 'x' })).length).toBeGreaterThan(1);
    await expect(call(SEGMENTATION, 'segment', { model: 'hang' }, 300)).rejects.toMatchObject({ code: 4 });
    await eventually(() => cancelled() === 1);
  });

  test('refuses a body that is no frame', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/${SEGMENTATION}/Segment`, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+proto' },
      body: Buffer.from([0, 0, 0, 0, 9, 1]),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { reason: 'INVALID_ARGUMENT' } });
  });
});
