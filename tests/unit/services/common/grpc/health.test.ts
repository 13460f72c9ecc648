import { Client, credentials } from '@grpc/grpc-js';
import { Health, healthDefinition, type ServingStatus } from '../../../../../services/common/grpc/health';
import { RpcServer } from '../../../../../services/common/grpc/server';
import { Telemetry } from '../../../../../services/common/telemetry';
import { eventually, memoryLogger, SERVER_CONFIG } from '../../../../support/grpc';

const elsewhere = new Map<string, ServingStatus>();
const asked: string[] = [];
const health = new Health((name) => {
  asked.push(name);
  return Promise.resolve(elsewhere.get(name) ?? 'SERVICE_UNKNOWN');
}, 10);
let server: RpcServer;
let client: Client;

beforeAll(async () => {
  server = new RpcServer(SERVER_CONFIG, memoryLogger([]), new Telemetry('test'), [], health);
  client = new Client(await server.listen(), credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await server.drain(1_000);
});

function watch(service: string): { statuses: ServingStatus[]; stop(): void } {
  const { path, requestSerialize, responseDeserialize } = healthDefinition.Watch!;
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  const statuses: ServingStatus[] = [];
  call.on('data', ({ status }: { status: ServingStatus }) => statuses.push(status));
  call.on('error', () => undefined);
  return { statuses, stop: () => call.cancel() };
}

function check(service: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = healthDefinition.Check!;
  return new Promise((resolve) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) =>
      resolve(error ? String(error.code) : (answer as { status: string }).status),
    ),
  );
}

test('a watch tells what a check tells of a name that is known elsewhere, and its changes', async () => {
  const name = 'automed.model/polyp@3';
  const [first, second] = [watch(name), watch(name)];
  await eventually(() => first.statuses.length === 1 && second.statuses.length === 1);
  expect(first.statuses).toEqual(['SERVICE_UNKNOWN']);
  for (const status of ['SERVING', 'NOT_SERVING', 'SERVING'] as const) {
    elsewhere.set(name, status);
    expect(await check(name)).toBe(status);
    await eventually(() => first.statuses.at(-1) === status && second.statuses.at(-1) === status);
  }
  const third = watch(name);
  await eventually(() => third.statuses.length === 1);
  expect(third.statuses).toEqual(['SERVING']);
  elsewhere.delete(name);
  await eventually(() => third.statuses.at(-1) === 'SERVICE_UNKNOWN');
  expect(first.statuses).toEqual(['SERVICE_UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVING', 'SERVICE_UNKNOWN']);
  for (const each of [first, second, third]) each.stop();
});

test('nobody is asked for a name that none watches any more', async () => {
  const watched = watch('gone');
  await eventually(() => watched.statuses.length === 1);
  watched.stop();
  await eventually(async () => {
    const before = asked.filter((name) => name === 'gone').length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    return asked.filter((name) => name === 'gone').length === before;
  });
});

test('what is set here is told at once, and nobody else is asked', async () => {
  health.set('here', 'SERVING');
  const watched = watch('here');
  await eventually(() => watched.statuses.length === 1);
  health.set('here', 'NOT_SERVING');
  await eventually(() => watched.statuses.length === 2);
  expect(watched.statuses).toEqual(['SERVING', 'NOT_SERVING']);
  expect(asked).not.toContain('here');
  watched.stop();
});
