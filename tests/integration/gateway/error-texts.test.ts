// A caller whose refused request holds a megabyte in one field, beside callers that share its way to the backend.

import { Client, credentials, Metadata, Server, ServerCredentials, status as Code } from '@grpc/grpc-js';
import type { SegmentRequest__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import { automedError, type ErrorCode } from '../../../services/common/errors';
import { bidi, unary, type ServiceRegistration } from '../../../services/common/grpc/handlers';
import { healthDefinition } from '../../../services/common/grpc/health';
import { serveSeries, type SeriesAnswer } from '../../../services/common/grpc/series';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import type { Logger } from '../../../services/common/logging';
import { eventually, startServer, type TestServer } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';
import { segmentationClient } from '../../support/api-clients';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const DETAILS = 'grpc-status-details-bin';
const MEGABYTE = 1_000_000;
const LONG = { ascii: 'a'.repeat(MEGABYTE), characters: '\u75c5\u{1f642}'.repeat(MEGABYTE / 7) };

type Typed = ReturnType<typeof segmentationClient>;

const waiting: (() => void)[] = [];

/** Repeats what it was sent, as a careless error text would; the model says with which code. */
function refuse({ model, image }: SegmentRequest__Output): never {
  const text = image?.encoded?.toString() ?? '';
  const [code, field] = model.split('/');
  throw automedError(code as ErrorCode, `The text '${text}' is none.`, field === 'field' ? { field: text } : {});
}

const services = (log: Logger): ServiceRegistration[] => [
  {
    name: SEGMENTATION,
    definition: serviceDefinition(SEGMENTATION),
    implementation: {
      Segment: unary(log, async (request: SegmentRequest__Output) => {
        if (request.model === 'wait') {
          await new Promise<void>((resolve) => waiting.push(resolve));
        } else if (request.model !== 'ok') refuse(request);
        return { threshold: 0.5 };
      }),
      SegmentStream: bidi<SegmentRequest__Output, SeriesAnswer<{ threshold: number }>>(log, (call, context) =>
        serveSeries(call, context, {
          maxInFlight: 1,
          prepare: (request) => Promise.resolve(request),
          acquire: (model) => Promise.resolve({ model, release: () => undefined }),
          identify: (model: string) => model,
          answer: (model: string, request) => refuse({ ...request, model }),
        }),
      ),
    },
  },
];

let backend: TestServer;
let gateway: Program;
const clients: Client[] = [];
const typed: Typed[] = [];

beforeAll(async () => {
  backend = await startServer(services);
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: backend.address,
    AUTOMED_CLASSIFICATION_BACKENDS: backend.address,
  });
});

afterAll(async () => {
  for (const client of [...clients, ...typed]) client.close();
  await gateway.stop();
  await backend.server.drain(0);
});

const segmentation = (address: string): Typed => {
  const client = segmentationClient(address);
  typed.push(client);
  return client;
};

interface Refusal {
  code: Code;
  details: string;
  metadata: Metadata;
}

/** The status behind a typed error. */
async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error = (await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as { cause: Refusal } | undefined;
  if (!error) throw new Error('the call was answered');
  return error.cause;
}

const detailsBytes = ({ metadata }: Refusal): number =>
  metadata.get(DETAILS).reduce((sum, each) => sum + Buffer.from(each as Buffer).toString('base64').length, 0);

const places = { 'to the program itself': () => backend.address, 'through the gateway': () => gateway.address };

describe.each(Object.entries(places))('%s', (_place, address) => {
  test.each(Object.entries(LONG))(
    'a megabyte of %s in an error reaches its caller as a beginning',
    async (_kind, text) => {
      const client = segmentation(address());
      const image = { encoded: Buffer.from(text) };
      for (const model of ['INVALID_ARGUMENT/field', 'NOT_FOUND', 'QUEUE_FULL', 'INTERNAL']) {
        const refusal = await refusalOf(client.unary('Segment', { model, image }));
        expect(Buffer.byteLength(refusal.details)).toBeLessThanOrEqual(1_000);
        expect(refusal.details).not.toContain('\ufffd');
        if (model !== 'INTERNAL') expect(refusal.details).toContain(`The text '${[...text].slice(0, 10).join('')}`);
        expect(detailsBytes(refusal)).toBeLessThan(4 * 1024);
      }
    },
  );

  test('callers beside it are answered', async () => {
    const [careless, neighbour] = [segmentation(address()), segmentation(address())];
    const inFlight = neighbour.unary('Segment', { model: 'wait' });
    await eventually(() => waiting.length > 0);
    const image = { encoded: Buffer.from(LONG.ascii) };
    const refused = ['INVALID_ARGUMENT/field', 'NOT_FOUND'].map((model) =>
      refusalOf(careless.unary('Segment', { model, image })),
    );
    await expect(neighbour.unary('Segment', { model: 'ok' })).resolves.toMatchObject({ threshold: 0.5 });
    await Promise.all(refused);
    await expect(neighbour.unary('Segment', { model: 'ok' })).resolves.toMatchObject({ threshold: 0.5 });
    waiting.pop()?.();
    await expect(inFlight).resolves.toMatchObject({ threshold: 0.5 });
  });

  test('an item of a series is refused with a bounded text and field', async () => {
    const image = { encoded: Buffer.from(LONG.ascii) };
    const series = segmentation(address()).series('SegmentStream', [{ model: 'NOT_FOUND/field', image }]);
    for await (const answer of series) {
      expect(answer.status?.message.length).toBeLessThanOrEqual(1_000);
      expect(answer.status?.field.length).toBeLessThanOrEqual(256);
    }
  });

  test('a health check repeats little of the name that it does not know', async () => {
    const client = new Client(address(), credentials.createInsecure());
    clients.push(client);
    const { path, requestSerialize, responseDeserialize } = healthDefinition.Check as never as {
      path: string;
      requestSerialize: (request: object) => Buffer;
      responseDeserialize: (bytes: Buffer) => object;
    };
    const refusal = await new Promise<Refusal>((resolve) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: LONG.ascii }, (error) =>
        resolve(error as Refusal),
      ),
    );
    expect(refusal.code).toBe(Code.NOT_FOUND);
    expect(refusal.details.length).toBeLessThanOrEqual(1_000);
  });
});

test('metadata too long to pass on is refused here, not by ending the connection that all share', async () => {
  const client = segmentation(gateway.address);
  const call = (length: number) =>
    client.unary('Segment', { model: 'ok' }, { metadata: { 'x-long': 'v'.repeat(length) } });
  await expect(call(60_000)).resolves.toMatchObject({ threshold: 0.5 });
  await expect(call(66_000)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('log lines hold no more of it', () => {
  for (const line of [...backend.lines.filter(({ event }) => event === 'call'), ...gateway.lines]) {
    expect(JSON.stringify({ ...line, err: undefined }).length).toBeLessThan(4_096);
  }
  for (const line of gateway.lines) expect(JSON.stringify(line).length).toBeLessThan(16_384);
});

test('the gateway bounds what a backend of another make says', async () => {
  const server = new Server();
  const metadata = new Metadata();
  metadata.set(DETAILS, Buffer.alloc(9_000, 0x0a));
  metadata.set('x-other', 'kept');
  server.addService(serviceDefinition(SEGMENTATION), {
    Segment: (_call: unknown, callback: (error: object) => void) =>
      callback({ code: Code.OUT_OF_RANGE, details: 'long '.repeat(4_000), metadata }),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const other = await startProgram('gateway', { AUTOMED_SEGMENTATION_BACKENDS: `127.0.0.1:${port}` });
  const refusal = await refusalOf(segmentation(other.address).unary('Segment', { model: 'any' }));
  expect(refusal.code).toBe(Code.OUT_OF_RANGE);
  expect(refusal.details).toMatch(/^long long /);
  expect(refusal.details.length).toBeLessThanOrEqual(1_000);
  expect(detailsBytes(refusal)).toBeLessThan(4 * 1024);
  expect(refusal.metadata.get('x-other')).toEqual(['kept']);
  await other.stop();
  server.forceShutdown();
});
