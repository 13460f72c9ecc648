// Streams of a real training service, through a gateway and over a network that breaks: nothing is missed, and nothing comes twice.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AutomedClient, collect } from '../../../services/client';
import { temporaryFolder } from '../../support/data';
import { trainingJobClient } from '../../support/api-clients';
import { cutProxy, type CutProxy } from '../../support/cut-proxy';
import { eventually } from '../../support/grpc';
import { startProgram, startTrainingGateway, type Program } from '../../support/stack';
import { microSpec, microStore, writeDiscs } from '../../support/training-service';

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let gateway: Program;
let whole: AutomedClient;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
  const settings = { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1', AUTOMED_STREAM_HEARTBEAT_MS: '200' };
  service = await startProgram('training', settings);
  gateway = await startTrainingGateway(service);
  whole = new AutomedClient(gateway.address);
});

afterEach(() => {
  for (const task of cleanUp.splice(0).reverse()) task();
});

afterAll(async () => {
  whole.close();
  await gateway.stop();
  await service.stop();
});

/** A client whose connections break after so many bytes each. */
async function overCuts(lengths: readonly number[]): Promise<{ client: AutomedClient; proxy: CutProxy }> {
  const proxy = await cutProxy(gateway.address, lengths);
  const client = new AutomedClient(proxy.address);
  cleanUp.push(
    () => proxy.close(),
    () => client.close(),
  );
  return { client, proxy };
}

test('a watch that is cut again and again tells every event once', async () => {
  const spec = microSpec(data, { name: 'cut', reportImages: true, overrides: { epochs: 3 } });
  const { id } = await whole.trainingJobs.create(spec);
  const { client, proxy } = await overCuts(Array.from({ length: 6 }, (_, at) => 700 + 900 * at));
  let breaks = 0;
  const seen = await collect(client.trainingJobs.watch(id, { onBroken: () => (breaks += 1) }));
  expect(seen.map(({ sequence }) => Number(sequence))).toEqual(seen.map((_, at) => at + 1));
  expect(seen.at(-1)?.stateChange?.state).toBe('TRAINING_JOB_STATE_SUCCEEDED');
  expect(seen).toEqual(await collect(whole.trainingJobs.watch(id)));
  expect(proxy.cuts()).toBeGreaterThan(1);
  expect(breaks).toBeGreaterThan(1);

  const subject = { trainingJobId: id };
  const [straight, around] = [join(root, 'straight'), join(root, 'around')];
  await whole.reports.save(subject, straight);
  const size = readFileSync(straight).length;
  const broken = await overCuts([size * 0.2, size * 0.5, size * 0.1].map(Math.floor));
  await broken.client.reports.save(subject, around);
  expect(readFileSync(around)).toEqual(readFileSync(straight));
  expect(broken.proxy.cuts()).toBeGreaterThan(1);
});

test('tokens of another job or of nothing are refused', async () => {
  const { id } = await whole.trainingJobs.create(microSpec(data, { name: 'other' }));
  const watch = (resumeToken: string): Promise<unknown> => fetchStream(gateway.address, { id, resumeToken });
  for (const token of [`${'0'.repeat(16)}.1`, 'x', `${id}.-1`, `${id}.1e3`]) {
    await expect(watch(token)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'resume_token' });
  }
});

test('an evaluation of a base goes on while its caller is away, and ends when nobody comes back', async () => {
  const request = {
    base: 'micro',
    data,
    part: 'EVALUATED_PART_VALIDATION' as const,
    validationFraction: 0.5,
    device: 'cpu',
  };
  const { client, proxy } = await overCuts([300, 300]);
  const heard: string[] = [];
  const result = await client.bases.evaluate(request, {
    onProgress: ({ event, preparation, logLine }) => heard.push(JSON.stringify([event, preparation, logLine])),
    onBroken: () => undefined,
  });
  const plain: string[] = [];
  const again = await whole.bases.evaluate(request, {
    onProgress: ({ event, preparation, logLine }) => plain.push(JSON.stringify([event, preparation, logLine])),
  });
  const scores = ({ seconds: _, ...rest }: Record<string, number>) => rest;
  expect(scores(result.metrics)).toEqual(scores(again.metrics));
  expect(heard).toEqual(plain);
  expect(proxy.cuts()).toBeGreaterThan(0);

  const stop = new AbortController();
  const running = whole.bases.evaluate(request, { signal: stop.signal, onProgress: () => stop.abort() });
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  // The next one does not wait until the abandoned one is forgotten.
  await eventually(() => whole.bases.evaluate(request).then(() => true));
});

/** Reads one watch to its end. */
async function fetchStream(address: string, request: object): Promise<unknown> {
  const client = trainingJobClient(address);
  try {
    return await collect(client.serverStream('WatchTrainingJob', request));
  } finally {
    client.close();
  }
}
