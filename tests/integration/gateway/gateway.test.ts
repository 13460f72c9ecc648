// The gateway as a process between real gRPC clients and real gRPC backends. The backends echo bytes, for the gateway must
// not care what the bytes mean.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata, status as Code, type ServiceError } from '@grpc/grpc-js';
import { automedError } from '../../../services/common/errors';
import { channelOptions } from '../../../services/common/grpc/client';
import { bidi, type ServiceRegistration } from '../../../services/common/grpc/handlers';
import { healthDefinition } from '../../../services/common/grpc/health';
import type { RpcServerConfig } from '../../../services/common/grpc/server';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import type { Logger } from '../../../services/common/logging';
import { readModelField } from '../../../services/gateway/domain/model-field';
import { eventually, startServer, type TestServer } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';
import { segmentationClient } from '../../support/api-clients';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const identity = (bytes: Buffer): Buffer => bytes;
const { Segment } = serviceDefinition(SEGMENTATION);
const request = (fields: object): Buffer => (Segment as NonNullable<typeof Segment>).requestSerialize(fields);

interface EchoBackend extends TestServer {
  name: string;
  seen: { message: Buffer; metadata: Metadata }[];
  /** Models whose calls were cut while they hung. */
  cancelled: string[];
  remainingMs: (number | undefined)[];
}

/** Answers each message with itself; the model chooses other behaviour. */
async function startEcho(name: string, config: Partial<RpcServerConfig> = {}): Promise<EchoBackend> {
  const state = {
    name,
    seen: [] as EchoBackend['seen'],
    cancelled: [] as string[],
    remainingMs: [] as EchoBackend['remainingMs'],
  };
  const services = (log: Logger): ServiceRegistration[] => {
    const echo = bidi<Buffer, Buffer>(log, async (call, context) => {
      state.remainingMs.push(context.remainingMs());
      const header = new Metadata();
      header.set('served-by', name);
      call.sendMetadata(header);
      for await (const message of call.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        state.seen.push({ message, metadata: call.metadata });
        const model = readModelField(message);
        if (model === 'fail') throw automedError('QUEUE_FULL', 'full', { retryAfterMs: 1234, field: 'x' });
        if (model.startsWith('hang')) {
          await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
          state.cancelled.push(model);
        }
        if (model === 'slow') await sleep(500);
        if (!call.write(message)) await once(call, 'drain');
      }
      const trailer = new Metadata();
      trailer.set('x-trailer', 'kept');
      call.end(trailer);
    });
    const method = (path: string) => ({
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    });
    const definition = {
      Segment: method(`/${SEGMENTATION}/Segment`),
      SegmentStream: method(`/${SEGMENTATION}/SegmentStream`),
    };
    return [{ name: SEGMENTATION, definition, implementation: { Segment: echo, SegmentStream: echo } }];
  };
  return Object.assign(await startServer(services, config), state);
}

interface RawAnswer {
  error: ServiceError | null;
  message: Buffer | undefined;
  header: Metadata;
  trailer: Metadata;
}

function callRaw(client: Client, message: Buffer, metadata = new Metadata(), options = {}): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let header = new Metadata();
    let trailer = new Metadata();
    let outcome: [ServiceError | null, Buffer | undefined] | undefined;
    const path = `/${SEGMENTATION}/Segment`;
    const call = client.makeUnaryRequest(path, identity, identity, message, metadata, options, (error, answer) => {
      outcome = [error, answer];
    });
    call.on('metadata', (received: Metadata) => (header = received));
    call.on('status', (status) => {
      trailer = status.metadata;
      setImmediate(() => resolve({ error: outcome?.[0] ?? null, message: outcome?.[1], header, trailer }));
    });
  });
}

async function check(address: string, service: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = healthDefinition.Check as NonNullable<typeof Segment>;
  return new Promise((resolve) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) => {
      client.close();
      resolve(error ? `status ${error.code}` : (answer as { status: string }).status);
    }),
  );
}

let one: EchoBackend;
let two: EchoBackend;
let gateway: Program;
let client: Client;

beforeAll(async () => {
  [one, two] = [await startEcho('one'), await startEcho('two')];
  const rules = [
    { service: SEGMENTATION, model: 'two-*', backends: [two.address] },
    { service: SEGMENTATION, model: 'both', backends: [one.address, two.address] },
    { service: SEGMENTATION, backends: [one.address] },
  ];
  gateway = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ rules }) });
  client = new Client(gateway.address, credentials.createInsecure(), channelOptions());
});

afterAll(async () => {
  client.close();
  expect(await gateway.stop()).toBe(0);
  await Promise.all([one.server.drain(0), two.server.drain(0)]);
});

const servedBy = (answer: RawAnswer): unknown => answer.header.get('served-by')[0];

test('relays bytes it does not understand, unchanged both ways', async () => {
  const message = Buffer.concat([request({ model: 'any', threshold: 0.5 }), Buffer.from([0xf8, 0x7f, 0x2a])]);
  const answer = await callRaw(client, message);
  expect(answer.error).toBeNull();
  expect(answer.message?.equals(message)).toBe(true);
  expect(one.seen.at(-1)?.message.equals(message)).toBe(true);
});

test('the gateway serves the first call: it is not ready before it knows its backends', async () => {
  const rules = [{ service: SEGMENTATION, backends: [one.address, two.address] }];
  const other = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ rules }) });
  const raw = new Client(other.address, credentials.createInsecure());
  const first = [await callRaw(raw, request({ model: 'any' })), await callRaw(raw, request({ model: 'any' }))];
  expect(first.map(servedBy).sort()).toEqual(['one', 'two']);
  raw.close();
  expect(await other.stop()).toBe(0);
});

test('routes by the model in the message', async () => {
  expect(servedBy(await callRaw(client, request({ model: 'other' })))).toBe('one');
  expect(servedBy(await callRaw(client, request({ model: 'two-a@3' })))).toBe('two');
});

test('spreads a model over its backends', async () => {
  const answers = [];
  for (let call = 0; call < 6; call += 1) answers.push(servedBy(await callRaw(client, request({ model: 'both' }))));
  expect(answers.filter((name) => name === 'one').length).toBe(3);
});

test('the gateway refuses a call whose metadata names another model than its message', async () => {
  const metadata = new Metadata();
  metadata.set('automed-model', 'two-a');
  expect(servedBy(await callRaw(client, request({ model: 'two-a' }), metadata))).toBe('two');
  const { error } = await callRaw(client, request({ model: 'other' }), metadata);
  expect(error?.code).toBe(Code.INVALID_ARGUMENT);
});

test('routes by the metadata of a call whose message names no model', async () => {
  const metadata = new Metadata();
  metadata.set('automed-model', 'two-a');
  expect(servedBy(await callRaw(client, request({}), metadata))).toBe('two');
  expect(two.seen.at(-1)?.metadata.get('automed-model')).toEqual(['two-a']);
  expect(servedBy(await callRaw(client, Buffer.alloc(0), metadata))).toBe('two');
});

test('the gateway refuses bytes that are no message', async () => {
  expect((await callRaw(client, Buffer.from([0x0a, 0x7f]))).error?.code).toBe(Code.INVALID_ARGUMENT);
});

test('the gateway passes metadata on, and header, trailer and request id back', async () => {
  const metadata = new Metadata();
  metadata.set('x-tenant', 'radiology');
  metadata.set('x-blob-bin', Buffer.from([0, 255, 7]));
  metadata.set('x-request-id', 'call-17');
  const answer = await callRaw(client, request({ model: 'any' }), metadata);
  const seen = one.seen.at(-1)?.metadata;
  expect(seen?.get('x-tenant')).toEqual(['radiology']);
  expect(seen?.get('x-blob-bin')).toEqual([Buffer.from([0, 255, 7])]);
  expect(seen?.get('x-request-id')).toEqual(['call-17']);
  expect(answer.header.get('x-request-id')).toEqual(['call-17']);
  expect(answer.trailer.get('x-trailer')).toEqual(['kept']);
});

test('the gateway passes a status on with its details', async () => {
  const typed = segmentationClient(gateway.address);
  await expect(typed.unary('Segment', { model: 'fail' })).rejects.toMatchObject({
    name: 'ResourceExhaustedError',
    code: 'QUEUE_FULL',
    message: 'full',
    field: 'x',
    retryAfterMs: 1234,
  });
  typed.close();
});

test('a deadline travels to the backend', async () => {
  const { error } = await callRaw(client, request({ model: 'hang' }), new Metadata(), { deadline: Date.now() + 400 });
  expect(error?.code).toBe(Code.DEADLINE_EXCEEDED);
  const remaining = one.remainingMs.at(-1) ?? Infinity;
  expect(remaining).toBeLessThanOrEqual(400);
});

test.each([1e6, 2.2e6, 3.5e6, 1e9])(
  'a deadline of %d s is answered, and far ones are none to the backend',
  async (seconds) => {
    const deadline = Date.now() + seconds * 1_000;
    const { error } = await callRaw(client, request({ model: 'any' }), new Metadata(), { deadline });
    expect(error).toBeNull();
    expect(one.remainingMs.at(-1) === undefined).toBe(seconds > 2e6);
  },
);

test('a cancellation travels to the backend', async () => {
  const seen = one.seen.length;
  const typed = segmentationClient(gateway.address);
  const abort = new AbortController();
  const call = typed.unary('Segment', { model: 'hang@7' }, { signal: abort.signal });
  const outcome = expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
  await eventually(() => one.seen.length > seen);
  abort.abort();
  await outcome;
  await eventually(() => one.cancelled.includes('hang@7'));
  typed.close();
});

test('relays a message of 60 MB', async () => {
  const message = request({ model: 'any', image: { encoded: Buffer.alloc(60_000_000, 7) } });
  const answer = await callRaw(client, message);
  expect(answer.message?.equals(message)).toBe(true);
});

test('relays a stream in order, both ways at once, however slowly the caller reads', async () => {
  const call = client.makeBidiStreamRequest(`/${SEGMENTATION}/SegmentStream`, identity, identity);
  const messages = Array.from({ length: 40 }, (_, index) =>
    request({ model: index === 0 ? 'both' : '', image: { encoded: Buffer.alloc(200_000, index) }, priority: index }),
  );
  const send = async (): Promise<void> => {
    for (const message of messages) if (!call.write(message)) await once(call, 'drain');
    call.end();
  };
  const sent = send();
  let index = 0;
  for await (const answer of call as AsyncIterable<Buffer>) {
    expect(answer.equals(messages[index] as Buffer)).toBe(true);
    index += 1;
    await sleep(5);
  }
  await sent;
  expect(index).toBe(40);
});

test('the gateway answers a stream before its caller has ended it', async () => {
  const call = client.makeBidiStreamRequest(`/${SEGMENTATION}/SegmentStream`, identity, identity);
  let answers = 0;
  call.on('data', () => (answers += 1));
  for (const turn of [1, 2]) {
    call.write(request({ model: 'any' }));
    await eventually(() => answers === turn);
  }
  call.end();
  await once(call, 'end');
});

test('the gateway leaves out a backend that says NOT_SERVING, tells UNAVAILABLE without any, and takes it back', async () => {
  two.health.set(SEGMENTATION, 'NOT_SERVING');
  const code = async (): Promise<number> => (await callRaw(client, request({ model: 'two-a' }))).error?.code ?? 0;
  while ((await code()) === 0) await sleep(5);
  const { error } = await callRaw(client, request({ model: 'two-a' }));
  expect(error).toMatchObject({ code: Code.UNAVAILABLE });
  expect(error?.details).toMatch(/No backend for .*two-a.* is healthy/);
  for (let call = 0; call < 4; call += 1)
    expect(servedBy(await callRaw(client, request({ model: 'both' })))).toBe('one');
  two.health.set(SEGMENTATION, 'SERVING');
  while ((await code()) !== 0) await sleep(5);
});

test('the gateway tells the health of its services and of models that its backends have loaded', async () => {
  expect(await check(gateway.address, '')).toBe('SERVING');
  expect(await check(gateway.address, 'automed.model/polyp@3')).toBe(`status ${Code.NOT_FOUND}`);
  two.health.set('automed.model/polyp@3', 'SERVING');
  expect(await check(gateway.address, 'automed.model/polyp@3')).toBe('SERVING');

  const { path, requestSerialize, responseDeserialize } = healthDefinition.Watch as NonNullable<typeof Segment>;
  const service = 'automed.model/polyp@3';
  const watch = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  const statuses: unknown[] = [];
  watch.on('data', ({ status }: { status: string }) => statuses.push(status)).on('error', () => undefined);
  await eventually(() => statuses.length === 1);
  two.health.set(service, 'NOT_SERVING');
  await eventually(() => statuses.length === 2);
  expect(statuses).toEqual(['SERVING', 'NOT_SERVING']);
  watch.cancel();
});

test('the gateway says in a sentence that a backend went away, without telling where it was', async () => {
  const doomed = await startEcho('doomed');
  const rules = [{ service: SEGMENTATION, backends: [doomed.address] }];
  const other = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ rules }) });
  const raw = new Client(other.address, credentials.createInsecure());
  const call = callRaw(raw, request({ model: 'hang' }));
  await eventually(() => doomed.seen.length === 1);
  await doomed.server.drain(0);
  const { error } = await call;
  expect([Code.UNAVAILABLE, Code.CANCELLED]).toContain(error?.code);
  expect(error?.details).not.toContain(doomed.address.split(':')[1]);
  while ((await check(other.address, '')) !== 'NOT_SERVING') await sleep(10);

  const revived = await startEcho('revived', { address: doomed.address });
  while ((await callRaw(raw, request({ model: 'any' }))).error) await sleep(20);
  raw.close();
  expect(await other.stop()).toBe(0);
  await revived.server.drain(0);
});

test('loses no call when connections to its backends end by age', async () => {
  const ageing = await startEcho('ageing', { maxConnectionAgeMs: 300, maxConnectionAgeGraceMs: 100 });
  const rules = [{ service: SEGMENTATION, backends: [ageing.address] }];
  const other = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ rules }) });
  const raw = new Client(other.address, credentials.createInsecure());
  for (let call = 0; call < 200; call += 1) {
    expect((await callRaw(raw, request({ model: 'any' }))).error).toBeNull();
    await sleep(10);
  }
  const watches = ageing.lines.filter((line) => line.event === 'call' && line.method === 'Watch');
  expect(watches.length).toBeGreaterThan(1);
  raw.close();
  expect(await other.stop()).toBe(0);
  await ageing.server.drain(0);
});

test('finishes the requests in flight at SIGTERM, and exits 0', async () => {
  const rules = [{ service: SEGMENTATION, backends: [one.address] }];
  const other = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ rules }) });
  const raw = new Client(other.address, credentials.createInsecure());
  const seen = one.seen.length;
  const call = callRaw(raw, request({ model: 'slow' }));
  await eventually(() => one.seen.length > seen);
  const exit = other.stop('SIGTERM');
  expect((await call).error).toBeNull();
  expect(await exit).toBe(0);
  raw.close();
});

test('the gateway counts calls for Prometheus', async () => {
  await callRaw(client, request({ model: 'any' }));
  const text = await (await fetch(`http://${gateway.metricsAddress}/metrics`)).text();
  expect(text).toContain(`automed_grpc_requests_total{service="${SEGMENTATION}",method="Segment",code="OK"`);
});

test('logs the model and the request id of a call, and nothing of its content', async () => {
  const metadata = new Metadata();
  metadata.set('x-request-id', 'logged-1');
  await callRaw(client, request({ model: 'any@2', image: { encoded: Buffer.from('PATIENT^NAME') } }), metadata);
  const line = await eventually(() => gateway.lines.find((each) => each.requestId === 'logged-1'));
  expect(line).toMatchObject({ event: 'call', model: 'any@2', code: 'OK', method: 'Segment' });
  expect(JSON.stringify(gateway.lines)).not.toContain('PATIENT');
});

test('the gateway refuses to listen where others can reach it', async () => {
  await expect(startProgram('gateway', { AUTOMED_ADDRESS: '0.0.0.0:0' })).rejects.toThrow(/--insecure/);
});

test('the gateway says in one line that its port is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const port = (taken.address() as { port: number }).port;
  await expect(startProgram('gateway', { AUTOMED_ADDRESS: `127.0.0.1:${port}` })).rejects.toThrow(/Cannot listen on/);
  taken.close();
});

test('offers reflection for the services it relays', async () => {
  const names = await listServices(gateway.address);
  expect(names).toContain(SEGMENTATION);
});

/** ServerReflectionRequest{list_services: ""} by hand; the answer holds the names in clear. */
async function listServices(address: string): Promise<string> {
  const raw = new Client(address, credentials.createInsecure());
  const call = raw.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    identity,
    identity,
  );
  call.write(Buffer.from([0x3a, 0x00]));
  const [answer] = (await once(call, 'data')) as [Buffer];
  call.cancel();
  call.on('error', () => undefined);
  raw.close();
  return answer.toString('latin1');
}
