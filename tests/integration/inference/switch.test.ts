// An alias that moves while the program is under load, and what becomes of the memory of the version that it left.

import { appendFileSync, readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import { healthDefinition } from '../../../services/common/grpc/health';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { MICRO_ARCHITECTURE } from '../../support/micro';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore, type TestStore } from '../../support/stack-store';
import { modelClient, segmentationClient } from '../../support/api-clients';

jest.setTimeout(120_000);

const home = temporaryFolder();
let store: TestStore;
let program: Program;
let image: Buffer;

beforeAll(async () => {
  store = await makeStore(home, 'micro', MICRO_ARCHITECTURE);
  for (const seed of [2, 3, 4]) await store.addSegmentation('polyp', seed);
  await store.store.setAlias('polyp', 'production', 1);
  image = (await discImage(90, 70)).png;
  program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_RESOLVE_TTL_MS: '20' });
});

afterAll(async () => {
  expect(await program.stop()).toBe(0);
});

const eventsOf = (model: string): unknown[] =>
  program.lines.filter((line) => line.model === model && line.event !== 'call').map(({ event }) => event);

async function serving(): Promise<string> {
  const client = new Client(program.address, credentials.createInsecure());
  const method = healthDefinition.Check!;
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      { service: '' },
      (error, answer) => {
        client.close();
        if (error) reject(error);
        else resolve((answer as { status: string }).status);
      },
    ),
  );
}

test('no request fails while an alias moves back and forth, and each answer is of one version', async () => {
  const client = segmentationClient(program.address);
  const shaOf = new Map<number, string>();
  const maskOf = new Map<number, string>();
  for (const version of [1, 2]) {
    const { manifest } = await store.store.resolveModel(`polyp@${version}`);
    shaOf.set(version, manifest.weights.sha256);
    const answer = await client.unary('Segment', {
      model: `polyp@${version}`,
      image: { encoded: image },
      threshold: 0.4,
    });
    maskOf.set(version, answer.masks.map(({ meanForegroundProbability }) => meanForegroundProbability).join());
  }
  expect(maskOf.get(1)).not.toBe(maskOf.get(2));
  const seen = new Map<number, number>();
  const failures: unknown[] = [];
  const statuses = new Set<string>();
  let stop = false;
  const load = async (): Promise<void> => {
    while (!stop) {
      try {
        const request = { model: 'polyp@production', image: { encoded: image }, threshold: 0.4 };
        const { model, masks } = await client.unary('Segment', request);
        const version = model?.version ?? 0;
        const said = masks.map(({ meanForegroundProbability }) => meanForegroundProbability).join();
        if (model?.weightsSha256 !== shaOf.get(version) || said !== maskOf.get(version)) failures.push(model);
        seen.set(version, (seen.get(version) ?? 0) + 1);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const watch = async (): Promise<void> => {
    while (!stop) {
      statuses.add(await serving().catch(String));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const running = [...Array.from({ length: 4 }, load), watch()];
  try {
    for (let turn = 0; turn < 10; turn += 1) {
      const version = turn % 2 === 0 ? 2 : 1;
      const before = seen.get(version) ?? 0;
      await store.store.setAlias('polyp', 'production', version);
      await eventually(() => (seen.get(version) ?? 0) > before);
    }
  } finally {
    stop = true;
    await Promise.all(running);
    client.close();
  }
  expect(failures).toEqual([]);
  expect([...seen.keys()].sort()).toEqual([1, 2]);
  expect([...statuses]).toEqual(['SERVING']);
});

test('a version that was damaged does not take over; the one before goes on answering', async () => {
  const client = segmentationClient(program.address);
  const ask = async (): Promise<number | undefined> =>
    (await client.unary('Segment', { model: 'polyp@production', image: { encoded: image } })).model?.version;
  await store.store.setAlias('polyp', 'production', 1);
  while ((await ask()) !== 1) await new Promise((resolve) => setTimeout(resolve, 20));
  appendFileSync((await store.store.resolveModel('polyp@3')).weightsPath, 'x');
  await store.store.setAlias('polyp', 'production', 3);
  const heldBack = (): Record<string, unknown> | undefined =>
    program.lines.find(({ event, model }) => event === 'held-back' && model === 'polyp@production');
  await eventually(heldBack);
  expect(heldBack()?.err).toMatchObject({ message: expect.stringContaining('polyp@3') });
  expect(await ask()).toBe(1);
  expect(eventsOf('polyp@3')).toEqual([]);
  const models = modelClient(program.address);
  const move = models.unary('SetAlias', { model: 'polyp', alias: 'production', version: 3 });
  await expect(move).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  models.close();
  client.close();
});

describe('memory', () => {
  const elsewhere = temporaryFolder();
  let mine: Program;

  /** Anonymous memory of the program, bytes: weights are copied into it, files that are mapped do not count. */
  const residentBytes = (): number => {
    const status = readFileSync(`/proc/${mine.child.pid}/status`, 'utf8');
    return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  };

  afterAll(async () => {
    await mine.stop();
  });

  test('of an unloaded model and its base goes back to the system', async () => {
    const wide = { ...MICRO_ARCHITECTURE, embed_dim: 512, depth: 3, heads: 8, global_blocks: [2] };
    const small = await makeStore(elsewhere, 'micro', MICRO_ARCHITECTURE);
    await small.addSegmentation('small');
    const large = await makeStore(elsewhere, 'wide', wide);
    await large.addSegmentation('large');
    const weightsBytes = large.base.manifest.weights.bytes;
    expect(weightsBytes).toBeGreaterThan(100e6);

    mine = await startProgram('inference', { AUTOMED_HOME: elsewhere, AUTOMED_EMBEDDING_CACHE_BYTES: '0' });
    const client = segmentationClient(mine.address);
    const models = modelClient(mine.address);
    const segment = (model: string) => client.unary('Segment', { model, image: { encoded: image } });
    await segment('small');
    await segment('large');
    const loaded = residentBytes();
    await models.unary('UnloadModel', { model: 'large' });
    await eventually(() => loaded - residentBytes() > 0.8 * weightsBytes);

    const before = residentBytes();
    await segment('large');
    // The first time has left room in the heap, which a part of it takes.
    expect(residentBytes() - before).toBeGreaterThan(0.3 * weightsBytes);
    await models.unary('UnloadModel', { model: 'large' });
    await eventually(() => residentBytes() - before < 0.2 * weightsBytes);
    await segment('small');
    client.close();
    models.close();
  });
});
