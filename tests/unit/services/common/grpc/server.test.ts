import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, status as Code, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import type { SegmentRequest__Output } from '../../../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import { automedError } from '../../../../../services/common/errors';
import { type ApiClient } from '../../../../../services/common/grpc/client';
import { bidi, unary, type CallContext } from '../../../../../services/common/grpc/handlers';
import { healthDefinition } from '../../../../../services/common/grpc/health';
import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { serveSeries, type SeriesAnswer } from '../../../../../services/common/grpc/series';
import { eventually, startServer, type TestServer } from '../../../../support/grpc';
import { segmentationClient } from '../../../../support/api-clients';

type ClientMethod = MethodDefinition<unknown, unknown>;
type Handler = (request: SegmentRequest__Output, context: CallContext) => Promise<{ threshold: number }>;

const NAME = 'automed.segmentation.v1.SegmentationService';
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

/** SegmentationService that runs `handler` for each image; the images' bytes are the tests' own words. */
async function start(handler: Handler, config = {}): Promise<TestServer & { client: ApiClient<never> }> {
  const running = await startServer(
    (log) => [
      {
        name: NAME,
        definition: serviceDefinition(NAME),
        implementation: {
          Segment: unary(log, handler),
          SegmentStream: bidi<SegmentRequest__Output, SeriesAnswer<{ threshold: number }>>(log, (call, context) =>
            serveSeries(call, context, {
              maxInFlight: 2,
              prepare: async (request) => request,
              acquire: async (reference) => {
                if (reference === 'nobody') throw automedError('NOT_FOUND', 'no such model');
                return { model: reference, release: () => undefined };
              },
              identify: (model: string) => model,
              answer: (_model, request) => handler(request, context),
            }),
          ),
        },
      },
    ],
    config,
  );
  const client = segmentationClient(running.address);
  cleanUp.push(
    () => running.server.drain(0),
    () => client.close(),
  );
  return { ...running, client: client as never };
}

const typed = (client: unknown): ReturnType<typeof segmentationClient> =>
  client as ReturnType<typeof segmentationClient>;
const image = (text: string) => ({ encoded: Buffer.from(text) });
const textOf = (request: SegmentRequest__Output): string => request.image?.encoded?.toString() ?? '';

test('the peer sees the raised HTTP/2 window and the cap on streams', async () => {
  const { address } = await start(async () => ({ threshold: 0 }), { maxConcurrentStreams: 7 });
  const session = connect(`http://${address}`);
  const settings = await new Promise<{ initialWindowSize?: number; maxConcurrentStreams?: number }>((resolve) =>
    session.once('remoteSettings', resolve),
  );
  expect(settings.initialWindowSize).toBe(4 * 1024 * 1024);
  expect(settings.maxConcurrentStreams).toBe(7);
  await eventually(() => session.state.remoteWindowSize === 16 * 1024 * 1024);
  session.destroy();
});

test('a message of 60 MB arrives, and one beyond the limit is refused', async () => {
  const { client } = await start(async (request) => ({ threshold: request.image?.encoded?.length ?? 0 }));
  const encoded = Buffer.alloc(60_000_000);
  expect((await typed(client).unary('Segment', { image: { encoded } })).threshold).toBe(60_000_000);
  const tooLarge = typed(client).unary('Segment', { image: { encoded: Buffer.alloc(68_000_000) } });
  await expect(tooLarge).rejects.toMatchObject({ cause: { code: Code.RESOURCE_EXHAUSTED } });
});

test('a typed error reaches the client as the same class, and the log names its request', async () => {
  const { client, lines } = await start(async (_request, context) => {
    context.setModel('polyp@3');
    throw automedError('WRONG_TASK', 'a classification model', { field: 'model' });
  });
  const call = typed(client).unary('Segment', { model: 'x' }, { metadata: { 'x-request-id': 'mine-1' } });
  await expect(call).rejects.toMatchObject({ name: 'InvalidInputError', code: 'WRONG_TASK', field: 'model' });
  const line = await eventually(() => lines.find((each) => each.event === 'call'));
  expect(line).toMatchObject({ requestId: 'mine-1', code: 'INVALID_ARGUMENT', model: 'polyp@3', method: 'Segment' });
});

test('a fault of ours is INTERNAL with generic text; the log has the cause under the request id', async () => {
  const { client, lines } = await start(async () => {
    throw new TypeError('secret inner state');
  });
  const error = (await typed(client)
    .unary('Segment', {})
    .catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ code: 'INTERNAL' });
  expect(error.message).not.toContain('secret');
  const line = await eventually(() => lines.find((each) => each.code === 'INTERNAL'));
  expect(error.message).toContain(String(line.requestId));
  expect(JSON.stringify(line.err)).toContain('secret inner state');
});

test('bytes that are no message are INVALID_ARGUMENT, not INTERNAL', async () => {
  const { address } = await start(async () => ({ threshold: 0 }));
  const raw = new Client(address, credentials.createInsecure());
  cleanUp.push(() => raw.close());
  const error = await new Promise<ServiceError | null>((resolve) =>
    raw.makeUnaryRequest(
      `/${NAME}/Segment`,
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
      Buffer.from([0x12, 0xff]),
      (status) => resolve(status),
    ),
  );
  expect(error?.code).toBe(Code.INVALID_ARGUMENT);
});

test('a handler learns of its deadline and of a caller that cancels', async () => {
  const seen: (number | undefined)[] = [];
  let aborted = 0;
  const { client, lines } = await start((_request, context) => {
    seen.push(context.remainingMs());
    return new Promise(() => context.signal.addEventListener('abort', () => (aborted += 1)));
  });
  const abort = new AbortController();
  const cancelled = typed(client).unary('Segment', {}, { signal: abort.signal });
  await eventually(() => seen.length === 1);
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
  await eventually(() => aborted === 1);
  const late = typed(client).unary('Segment', {}, { timeoutMs: 300 });
  await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await eventually(() => aborted === 2);
  expect(seen[0]).toBeUndefined();
  expect(seen[1]).toBeLessThanOrEqual(300);
  const codes = await eventually(() => {
    const found = lines.filter((line) => line.event === 'call').map((line) => line.code);
    return found.length === 2 && found;
  });
  expect(codes[0]).toBe('CANCELLED');
  // The caller's clock started first: its cancellation may arrive just before the server sees the deadline pass.
  expect(['CANCELLED', 'DEADLINE_EXCEEDED']).toContain(codes[1]);
});

test.each([30_000, 2 ** 31 - 1_000, 2 ** 31 + 1_000, 1e12, 1e17, Infinity])(
  'a call with a deadline of %d ms is answered',
  async (timeoutMs) => {
    const { client, address } = await start(async () => {
      await sleep(20);
      return { threshold: 0.5 };
    });
    await typed(client).waitForReady(timeoutMs);
    await expect(typed(client).unary('Segment', {}, { timeoutMs })).resolves.toMatchObject({ threshold: 0.5 });
    if (timeoutMs > 1e14) return;
    // A client of another make sends the deadline as it is.
    const raw = new Client(address, credentials.createInsecure());
    cleanUp.push(() => raw.close());
    const same = (bytes: Buffer): Buffer => bytes;
    const deadline = Date.now() + timeoutMs;
    const error = await new Promise((resolve) =>
      raw.makeUnaryRequest(`/${NAME}/Segment`, same, same, Buffer.alloc(0), { deadline }, resolve),
    );
    expect(error).toBeNull();
  },
);

test('limits in milliseconds beyond those of a timer are no limits', async () => {
  const ages = { maxConnectionAgeMs: Number.MAX_SAFE_INTEGER, maxConnectionAgeGraceMs: 2 ** 31 };
  let begun = false;
  const { client, server } = await start(async () => {
    begun = true;
    await sleep(50);
    return { threshold: 0.5 };
  }, ages);
  const call = typed(client).unary('Segment', {});
  await eventually(() => begun);
  const drained = server.drain(Number.MAX_SAFE_INTEGER);
  await expect(call).resolves.toMatchObject({ threshold: 0.5 });
  await drained;
});

test('what is not known is refused by its beginning', async () => {
  const { address } = await start(async () => ({ threshold: 0 }));
  const raw = new Client(address, credentials.createInsecure());
  cleanUp.push(() => raw.close());
  const same = (bytes: Buffer): Buffer => bytes;
  const error = await new Promise<ServiceError | null>((resolve) =>
    raw.makeUnaryRequest(`/${NAME}/${'x'.repeat(50_000)}`, same, same, Buffer.alloc(0), resolve),
  );
  expect(error?.code).toBe(Code.UNIMPLEMENTED);
  expect(error?.details.length).toBeLessThan(1_000);
});

test('a series is answered in order, a bad image by a status, and the stream goes on', async () => {
  const { client } = await start(async (request) => {
    const text = textOf(request);
    if (text === 'bad') throw automedError('UNSUPPORTED_IMAGE', 'no image', { field: 'image' });
    if (text === 'slow') await sleep(30);
    return { threshold: 0.5 };
  });
  const requests = ['slow', 'fast', 'bad', 'fast'].map((text, index) => ({
    model: index === 0 ? 'polyp' : '',
    image: image(text),
  }));
  const answers = [];
  for await (const answer of typed(client).series('SegmentStream', requests)) answers.push(answer);
  expect(answers.map(({ index, outcome }) => [index, outcome])).toEqual([
    [0, 'result'],
    [1, 'result'],
    [2, 'status'],
    [3, 'result'],
  ]);
  expect(answers[2]?.status).toMatchObject({
    code: Code.INVALID_ARGUMENT,
    reason: 'UNSUPPORTED_IMAGE',
    field: 'image',
  });
});

test('a number that an enum does not have is refused, in a series by the status of its item', async () => {
  const { client } = await start(async () => ({ threshold: 0.5 }));
  const hostile = { model: 'polyp', maskFormat: 99 as never };
  const refused = { code: 'INVALID_ARGUMENT', message: 'The number 99 is no value of mask_format.' };
  await expect(typed(client).unary('Segment', hostile)).rejects.toMatchObject({ ...refused, field: 'mask_format' });
  const answers = [];
  for await (const answer of typed(client).series('SegmentStream', [hostile, {}])) answers.push(answer);
  expect(answers.map(({ outcome, status }) => [outcome, status?.field])).toEqual([
    ['status', 'mask_format'],
    ['result', undefined],
  ]);
});

test('an answer comes before the next request is sent', async () => {
  const { client } = await start(async () => ({ threshold: 0.5 }));
  const call = typed(client).stream('SegmentStream');
  const answers: number[] = [];
  call.on('data', ({ index }: { index: number }) => answers.push(index));
  for (const turn of [1, 2, 3]) {
    call.write({ model: 'polyp' });
    await eventually(() => answers.length === turn);
  }
  call.end();
  await new Promise((resolve) => call.on('end', resolve));
});

test('a series on a model that does not exist ends with its status', async () => {
  const { client } = await start(async () => ({ threshold: 0.5 }));
  const walk = async (): Promise<void> => {
    for await (const _answer of typed(client).series('SegmentStream', [{ model: 'nobody' }, {}])) void _answer;
  };
  await expect(walk()).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('the metadata automed-model names the model of requests that name none', async () => {
  const models: string[] = [];
  const { client } = await start(async (request) => {
    models.push(request.model);
    return { threshold: 0.5 };
  });
  const settings = { metadata: { 'automed-model': 'nobody' } };
  await typed(client).unary('Segment', {}, settings);
  await typed(client).unary('Segment', { model: 'polyp' }, settings);
  expect(models).toEqual(['nobody', 'polyp']);
  const walk = async (): Promise<void> => {
    for await (const _answer of typed(client).series('SegmentStream', [{}], settings)) void _answer;
  };
  await expect(walk()).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'no such model' });
});

test('a message of a series that names another model gets a status', async () => {
  const { client } = await start(async () => ({ threshold: 0.5 }));
  const outcomes = [];
  for await (const { outcome } of typed(client).series('SegmentStream', [
    { model: 'a' },
    { model: 'b' },
    { model: 'a' },
  ])) {
    outcomes.push(outcome);
  }
  expect(outcomes).toEqual(['result', 'status', 'result']);
});

test('no more images are under way than allowed, and the sender is held back', async () => {
  let under = 0;
  let most = 0;
  let began = 0;
  const gate = withResolvers();
  const { client } = await start(async () => {
    began += 1;
    under += 1;
    most = Math.max(most, under);
    await gate.promise;
    under -= 1;
    return { threshold: 0.5 };
  });
  const call = typed(client).stream('SegmentStream');
  let answers = 0;
  call.on('data', () => (answers += 1));
  for (let index = 0; index < 12; index += 1) call.write({ model: 'polyp', image: { encoded: Buffer.alloc(1 << 20) } });
  call.end();
  await eventually(() => began === 2);
  await sleep(50);
  expect(began).toBe(2);
  gate.resolve();
  await eventually(() => answers === 12);
  expect(most).toBe(2);
});

test('requests are counted by service, method and code', async () => {
  const { client, telemetry } = await start(async () => ({ threshold: 0.5 }));
  await typed(client).unary('Segment', {});
  const text = await telemetry.registry.metrics();
  const labels = `service="${NAME}",method="Segment"`;
  expect(text).toMatch(new RegExp(`automed_grpc_requests_total\\{${labels},code="OK",program="test"\\} 1`));
  expect(text).toMatch(new RegExp(`automed_grpc_request_seconds_count\\{program="test",${labels},code="OK"\\} 1`));
  expect(text).toMatch(new RegExp(`automed_grpc_requests_in_flight\\{${labels},program="test"\\} 0`));
});

test('a shutdown finishes calls in flight, ends health watches, and accepts no more', async () => {
  const gate = withResolvers();
  let began = 0;
  const { client, server, address } = await start(async () => {
    began += 1;
    await gate.promise;
    return { threshold: 0.25 };
  });
  const watcher = new Client(address, credentials.createInsecure());
  cleanUp.push(() => watcher.close());
  const { path, requestSerialize, responseDeserialize } =
    healthDefinition.Watch as never as (typeof healthDefinition)[string];
  const watch = watcher.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: NAME });
  const statuses: unknown[] = [];
  watch.on('data', ({ status }: { status: string }) => statuses.push(status));
  watch.on('error', () => undefined);
  await eventually(() => statuses.length === 1);
  const call = typed(client).unary('Segment', {});
  await eventually(() => began === 1);
  const drained = server.drain(20_000);
  await eventually(() => statuses.length === 2);
  expect(statuses).toEqual(['SERVING', 'NOT_SERVING']);
  const late = segmentationClient(address);
  cleanUp.push(() => late.close());
  await expect(late.unary('Segment', {})).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  gate.resolve();
  expect((await call).threshold).toBe(0.25);
  await drained;
});

test('calls that outlast the shutdown are cut', async () => {
  let began = 0;
  const { client, server } = await start(() => {
    began += 1;
    return new Promise(() => undefined);
  });
  const call = typed(client).unary('Segment', {});
  const outcome = call.catch((error: unknown) => error);
  await eventually(() => began === 1);
  await server.drain(10);
  expect(await outcome).toBeInstanceOf(Error);
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

test('the health address answers probes alone, and liveness there outlasts readiness in a drain', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'automed-health-'));
  cleanUp.push(() => rmSync(folder, { recursive: true }));
  const healthAddress = `unix:${join(folder, 'health.sock')}`;
  let finish: () => void = () => undefined;
  let onCalled: () => void = () => undefined;
  const called = new Promise<void>((resolve) => (onCalled = resolve));
  const handler: Handler = () =>
    new Promise((resolve) => {
      finish = () => resolve({ threshold: 0 });
      onCalled();
    });
  const { client, server } = await start(handler, { healthAddress });
  const probe = new Client(healthAddress, credentials.createInsecure());
  cleanUp.push(() => probe.close());
  const ask = ({ path, requestSerialize, responseDeserialize }: ClientMethod, request: object): Promise<string> =>
    new Promise((resolve) =>
      probe.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
        resolve(error ? String(Code[error.code]) : (answer as { status: string }).status),
      ),
    );
  const check = (service: string): Promise<string> => ask(healthDefinition['Check']!, { service });
  expect(await check('')).toBe('SERVING');
  expect(await check('liveness')).toBe('SERVING');
  expect(await ask(serviceDefinition(NAME)['Segment']!, {})).toBe('UNIMPLEMENTED');

  const working = typed(client).unary('Segment', { image: image('one') });
  await called;
  const drained = server.drain(20_000);
  expect(await check('')).toBe('NOT_SERVING');
  expect(await check('liveness')).toBe('SERVING');
  finish();
  await Promise.all([working, drained]);
});
