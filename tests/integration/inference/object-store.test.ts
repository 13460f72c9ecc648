// An inference program whose models are in an S3-compatible store, which goes away and comes back.

import { createServer } from 'node:net';
import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { modelClient, segmentationClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { healthClient } from '../../support/health';
import { MICRO_ARCHITECTURE } from '../../support/micro';
import { startObjectStore, type ObjectStore } from '../../support/object-store';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

jest.setTimeout(180_000);

const root = temporaryFolder();
const served = join(root, 'served');
const before = { ...process.env };
let server: ObjectStore;
let program: Program;
let image: Buffer;
const healthAddress = `unix:${join(root, 'health')}`;

beforeAll(async () => {
  const home = join(root, 'origin');
  const made = await makeStore(home, 'micro', MICRO_ARCHITECTURE);
  for (const seed of [2, 3]) await made.addSegmentation('polyp', seed);
  await made.store.setAlias('polyp', 'production', 1);
  server = await startObjectStore(served, ['models']);
  await server.upload('models', 'site/', home);
  Object.assign(process.env, server.env);
  image = (await discImage(90, 70)).png;
});

afterAll(async () => {
  process.env = before;
  expect(await program.stop()).toBe(0);
  await server.stop();
});

const start = async (more: Record<string, string>): Promise<Program> =>
  startProgram('inference', {
    ...server.env,
    AUTOMED_HOME: join(root, 'replica'),
    AUTOMED_MODEL_STORE: 's3://models/site',
    AUTOMED_RESOLVE_TTL_MS: '20',
    AUTOMED_HEALTH_ADDRESS: healthAddress,
    ...more,
  });

async function probed(service = ''): Promise<string> {
  const client = healthClient(healthAddress);
  return client.check(service).finally(() => client.close());
}

const segment = async (model: string) =>
  segmentationClient(program.address).unary('Segment', { model, image: { encoded: image }, threshold: 0.4 });

test('serves from the cache while the store is away, says so of what it lacks, and follows aliases when it is back', async () => {
  program = await start({});
  const first = await segment('polyp@production');
  expect(first.model?.version).toBe(1);
  const { port } = server;
  await server.stop();
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await segment('polyp@production')).masks).toEqual(first.masks);
  }
  await expect(segment('polyp@2')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  await expect(modelClient(program.address).unary('ListModels', {})).rejects.toThrow('object store does not answer');
  expect(await probed()).toBe('SERVING');

  server = await startObjectStore(served, ['models'], { port });
  const objects = { bucket: 'models', prefix: 'site/', forcePathStyle: true, cacheBytes: 1_000_000_000 };
  await (await ModelStore.open(join(root, 'operator'), { objects })).setAlias('polyp', 'production', 2);
  await eventually(async () => (await segment('polyp@production')).model?.version === 2);
  expect(await program.stop()).toBe(0);
});

test('waits for the store with what is to be loaded first: alive, and not ready', async () => {
  const { port } = server;
  await server.stop();
  const starting = start({ AUTOMED_PRELOAD: 'polyp@production', AUTOMED_HOME: join(root, 'new-replica') });
  await eventually(async () => (await probed()) === 'NOT_SERVING');
  expect(await probed('liveness')).toBe('SERVING');
  await refuses(port, 8);
  server = await startObjectStore(served, ['models'], { port });
  program = await starting;
  expect(program.lines.filter(({ event }) => event === 'store-away')).toHaveLength(1);
  expect((await segment('polyp')).model?.version).toBe(2);
});

/** Listens at a port and ends so many connections, more than one load tries. */
async function refuses(port: number, count: number): Promise<void> {
  const closed = createServer();
  let connections = 0;
  await new Promise<void>((resolve, reject) => {
    closed.once('error', reject);
    closed.on('connection', (socket) => {
      socket.destroy();
      if ((connections += 1) === count) resolve();
    });
    closed.listen(port, '127.0.0.1');
  });
  await new Promise((resolve) => closed.close(resolve));
}
