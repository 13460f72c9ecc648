// On real sockets: what a caller sees of an admission, and what the handler does not.

import { status as Code, type ServiceError } from '@grpc/grpc-js';
import { Admission } from '../../../../../services/common/admission';
import { bidi, unary } from '../../../../../services/common/grpc/handlers';
import { collect } from '../../../../../services/client';
import { ApiClient } from '../../../../../services/common/grpc/client';
import { serviceDefinition } from '../../../../../services/common/grpc/proto';
import { eventually, startServer, type TestServer } from '../../../../support/grpc';

const NAME = 'automed.segmentation.v1.SegmentationService';
const PATH = `/${NAME}/Segment`;
const image = { encoded: Buffer.alloc(200_000) };

let server: TestServer;
let admission: Admission;
let client: ApiClient<ReturnType<typeof serviceDefinition>>;
let started: string[];
let answers: (() => void)[];

beforeEach(async () => {
  started = [];
  answers = [];
  admission = new Admission({ slots: 1, capacity: 2 });
  server = await startServer(
    (log) => [
      {
        name: NAME,
        definition: serviceDefinition(NAME),
        implementation: {
          Segment: unary(log, async ({ model }: { model: string }) => {
            started.push(model);
            await new Promise<void>((resolve) => answers.push(resolve));
            return {};
          }),
          SegmentStream: bidi<{ model: string }, object>(log, async (call) => {
            for await (const { model } of call.iterator({ destroyOnReturn: false })) started.push(`series ${model}`);
          }),
        },
      },
    ],
    {},
    { admission: { admission, methods: new Set([PATH]), streams: new Set([`${PATH}Stream`]) } },
  );
  client = new ApiClient(NAME, server.address);
});

afterEach(async () => {
  client.close();
  await server.server.drain(0);
});

const segment = (model: string, timeoutMs = 60_000): Promise<unknown> =>
  client.unary('Segment', { model, image } as never, { timeoutMs });

/** Makes the server believe that a call takes a second. */
async function teach(): Promise<void> {
  const tickets = Array.from({ length: 1 }, () =>
    admission.enter({ kind: `${PATH} image m`, priority: 0, remainingMs: 1e9 }),
  );
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  for (const each of tickets) if ('end' in each) each.end(true);
}

test('a call that would be late is refused before its handler runs, with the wait in RetryInfo and as pushback', async () => {
  await teach();
  const first = segment('m');
  await eventually(() => started.length === 1);
  const error = await segment('m', 900).then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string; retryAfterMs: number; cause: ServiceError },
  );
  expect(error).toMatchObject({ code: 'QUEUE_FULL', cause: { code: Code.RESOURCE_EXHAUSTED } });
  const pushback = error?.cause.metadata.get('grpc-retry-pushback-ms');
  expect(pushback).toEqual([String(error?.retryAfterMs)]);
  expect(error?.retryAfterMs).toBeGreaterThan(0);
  expect(error?.retryAfterMs).toBeLessThanOrEqual(2_000);
  expect(started).toEqual(['m']);
  answers[0]?.();
  await first;
});

test('a full queue refuses, stays healthy, and takes calls again when it was answered', async () => {
  const calls = ['a', 'b', 'c'].map((model) => segment(model));
  await eventually(() => started.length === 3);
  await expect(segment('d')).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  expect(server.health.get('')).toBe('SERVING');
  expect(server.health.get(NAME)).toBe('SERVING');
  for (const answer of answers) answer();
  await Promise.all(calls);
  const again = segment('e');
  await eventually(() => started.at(-1) === 'e');
  answers.at(-1)?.();
  await again;
  expect(admission.admittedCount).toBe(0);
});

test('refusals leave nothing behind: thousands of large ones on one connection', async () => {
  const calls = ['a', 'b', 'c'].map((model) => segment(model));
  await eventually(() => started.length === 3);
  const codes = new Set<string>();
  for (let round = 0; round < 20; round += 1) {
    const refused = Array.from({ length: 50 }, () => segment('d').catch((error: { code: string }) => error.code));
    for (const code of await Promise.all(refused)) codes.add(String(code));
  }
  expect(codes).toEqual(new Set(['QUEUE_FULL']));
  for (const answer of answers) answer();
  await Promise.all(calls);
});

test('a caller that goes away makes room', async () => {
  const abort = new AbortController();
  const gone = client.unary('Segment', { model: 'a' } as never, { signal: abort.signal }).catch(() => 'gone');
  await eventually(() => admission.admittedCount === 1);
  abort.abort();
  expect(await gone).toBe('gone');
  await eventually(() => admission.admittedCount === 0);
});

test('a refusal is logged and counted like any answer', async () => {
  const calls = ['a', 'b', 'c'].map((model) => segment(model));
  await eventually(() => started.length === 3);
  await segment('d').catch(() => undefined);
  await eventually(() => server.lines.some((line) => line.event === 'call' && line.code === 'RESOURCE_EXHAUSTED'));
  for (const answer of answers) answer();
  await Promise.all(calls);
});

test('a stream is refused with its first message where a call would be, and takes no place where it is not', async () => {
  const series = (): Promise<unknown[]> =>
    collect(client.series('SegmentStream', [{ model: 'a' }, { model: 'b' }] as never));
  await series();
  expect(started).toEqual(['series a', 'series b']);
  expect(admission.admittedCount).toBe(0);
  const calls = ['1', '2', '3'].map((model) => segment(model));
  await eventually(() => admission.admittedCount === 3);
  await expect(series()).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  expect(started.filter((each) => each.startsWith('series'))).toHaveLength(2);
  await eventually(() => answers.length === 3);
  for (const answer of answers) answer();
  await Promise.all(calls);
});
