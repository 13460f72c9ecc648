// Bases and models in an S3-compatible store, over HTTP.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import {
  auditStore,
  deleteGarbage,
  findGarbage,
  localFile,
  ModelStore,
  readGolden,
  readSampleRecord,
  writeSampleRecord,
} from '../../../../services/store';
import type { ObjectSettings } from '../../../../services/store/objects/remote-store';
import { SqliteDatabase } from '../../../../services/database/sql';
import { openDatabase } from '../../../../services/training/adapters/database';
import { SqlJobTable } from '../../../../services/training/adapters/job-table';
import { baseDraft, modelDraft, temporaryFolder, writeWeights } from '../../../support/data';
import { startObjectStore, type ObjectStore } from '../../../support/object-store';

const folder = temporaryFolder();
const served = join(folder, 'served');
const before = { ...process.env };
const code = (expected: string): unknown => expect.objectContaining({ code: expected });
let server: ObjectStore;
let count = 0;

beforeAll(async () => {
  server = await startObjectStore(served, ['models']);
  Object.assign(process.env, server.env);
});

afterAll(async () => {
  await server.stop();
  process.env = before;
});

interface Place {
  prefix?: string;
  cacheBytes?: number;
  inUseMs?: number;
}

function settings({ prefix = `${(count += 1)}/`, cacheBytes = 1_000_000, inUseMs = 0 }: Place = {}): ObjectSettings {
  return { bucket: 'models', prefix, forcePathStyle: true, cacheBytes, inUseMs };
}

/** A store as another machine has it. */
async function replica(objects: ObjectSettings, name = `machine-${(count += 1)}`): Promise<ModelStore> {
  return ModelStore.open(join(folder, name), { objects });
}

const cached = (store: ModelStore): string[] =>
  readdirSync(join(store.root, 'model-cache')).filter((name) => /^[0-9a-f]{64}$/.test(name));

describe('versions', () => {
  it('are counted up, and show on every machine with their weights', async () => {
    const objects = settings();
    const [one, other] = [await replica(objects), await replica(objects)];
    await one.registerModel(modelDraft('polyp'), writeWeights('one'));
    const { manifest, folder: place } = await one.registerModel(modelDraft('polyp'), writeWeights('two'));
    expect(manifest).toMatchObject({ schema: 1, name: 'polyp', version: 2, weights: { bytes: 3 } });
    expect(place).toBe(`s3://models/${objects.prefix}models/polyp/2`);
    const found = await other.resolveModel('polyp');
    expect(found.manifest).toEqual(manifest);
    await other.verify(found);
    expect(readFileSync(found.weightsPath, 'utf8')).toBe('two');
    expect((await other.listModels()).map(({ manifest: { version } }) => version)).toEqual([1, 2]);
  });

  it('have distinct numbers when machines register at the same time', async () => {
    const objects = settings();
    const stores = await Promise.all(Array.from({ length: 4 }, () => replica(objects)));
    const stored = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        stores[index % 4]!.registerModel(modelDraft('polyp'), writeWeights(String(index))),
      ),
    );
    expect(stored.map(({ manifest }) => manifest.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const reader = await replica(objects);
    for (const [index, { manifest }] of stored.entries()) {
      const found = await reader.resolveModel(`polyp@${manifest.version}`);
      await reader.verify(found);
      expect(readFileSync(found.weightsPath, 'utf8')).toBe(String(index));
    }
  });

  it('do not show before all of them is there, and leave nothing when writing fails', async () => {
    const store = await replica(settings());
    const failing = store.registerModel(modelDraft('polyp'), async (into) => {
      await writeWeights('one')(into);
      expect(await store.listModels()).toEqual([]);
      throw new Error('stopped');
    });
    await expect(failing).rejects.toThrow('stopped');
    await expect(store.resolveModel('polyp')).rejects.toEqual(code('NOT_FOUND'));
    expect(readdirSync(join(store.root, 'outgoing'))).toEqual([]);
  });

  it('are deleted without their number being given again', async () => {
    const objects = settings();
    const store = await replica(objects);
    for (const text of ['one', 'two']) await store.registerModel(modelDraft('polyp'), writeWeights(text));
    await store.deleteModel('polyp', 2);
    await expect((await replica(objects)).resolveModel('polyp@2')).rejects.toEqual(code('NOT_FOUND'));
    const next = await store.registerModel(modelDraft('polyp'), writeWeights('three'));
    expect(next.manifest.version).toBe(3);
  });

  it('keep what else belongs to them: each file is fetched when it is asked for', async () => {
    const objects = settings();
    const record = { own: new Map([['0'.repeat(64), 'train' as const]]), inherited: new Map(), unrecorded: [] };
    await (
      await replica(objects)
    ).registerBase(baseDraft('seen'), async (into) => {
      await writeSampleRecord(into, record);
      await writeWeights('one')(into);
    });
    const other = await replica(objects);
    const stored = await other.resolveBase('seen');
    expect(await readSampleRecord(stored)).toEqual(record);
    expect(cached(other)).toHaveLength(1);
    await expect(localFile(stored, 'report/report.json')).rejects.toEqual(code('NOT_FOUND'));
  });

  it('can be a folder that was copied there', async () => {
    const [home, objects] = [join(folder, 'on-disk'), settings()];
    const disk = await ModelStore.open(home);
    for (const text of ['one', 'two']) await disk.registerModel(modelDraft('polyp'), writeWeights(text));
    await disk.deleteModel('polyp', 2);
    await disk.setAlias('polyp', 'production', 1);
    await server.upload('models', objects.prefix, home);
    const store = await replica(objects);
    await store.verify(await store.resolveModel('polyp@production'));
    expect((await store.registerModel(modelDraft('polyp'), writeWeights('three'))).manifest.version).toBe(3);
  });
});

describe('aliases', () => {
  it('move in one step, show everywhere, and can be kept for promotions', async () => {
    const objects = settings();
    const [one, other] = [await replica(objects), await replica(objects)];
    for (const text of ['one', 'two']) await one.registerModel(modelDraft('polyp'), writeWeights(text));
    await one.setAlias('polyp', 'production', 1);
    expect((await other.resolveModel('polyp@production')).manifest.version).toBe(1);
    await other.setAlias('polyp', 'production', 2);
    expect(await one.aliases('polyp')).toEqual({ production: 2 });
    await one.reserveAlias('polyp', 'production');
    expect(await other.isReserved('polyp', 'production')).toBe(true);
    await other.deleteAlias('polyp', 'production');
    await expect(one.deleteAlias('polyp', 'production')).rejects.toEqual(code('NOT_FOUND'));
    expect(await one.isReserved('polyp', 'production')).toBe(true);
  });

  it('are not overwritten by whoever has not seen that they moved', async () => {
    const objects = settings();
    const stores = await Promise.all(Array.from({ length: 6 }, () => replica(objects)));
    for (let version = 1; version <= 6; version += 1) {
      await stores[0]!.registerModel(modelDraft('polyp'), writeWeights(String(version)));
    }
    const moves = await Promise.allSettled(
      stores.map((store, index) => store.setAlias('polyp', 'production', index + 1)),
    );
    const done = moves.flatMap(({ status }, index) => (status === 'fulfilled' ? [index + 1] : []));
    expect(done).toContain((await stores[0]!.aliases('polyp'))['production']);
    for (const move of moves) if (move.status === 'rejected') expect(move.reason).toEqual(code('ILLEGAL_STATE'));
  });
});

describe('the cache of a machine', () => {
  const weights = (letter: string): ReturnType<typeof writeWeights> => writeWeights(letter.repeat(400));

  async function filled(objects: ObjectSettings): Promise<void> {
    const writer = await replica({ ...objects, cacheBytes: 1_000_000 });
    for (const letter of ['a', 'b', 'c']) await writer.registerModel(modelDraft(letter), weights(letter));
  }

  it('lets go of what was not used for the longest time, and never takes more than it may', async () => {
    const objects = settings({ cacheBytes: 1_000 });
    await filled(objects);
    const store = await replica(objects);
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => store.resolveModel(name)));
    await store.verify(a!);
    await store.verify(b!);
    await store.verify(a!);
    await store.verify(c!);
    expect(cached(store).sort()).toEqual([a!, c!].map(({ manifest }) => manifest.weights.sha256).sort());
  });

  it('keeps what is about to be opened, and says that there is no room', async () => {
    const objects = settings({ cacheBytes: 1_000, inUseMs: 60_000 });
    await filled(objects);
    const store = await replica(objects);
    for (const name of ['a', 'b']) await store.verify(await store.resolveModel(name));
    await expect(store.verify(await store.resolveModel('c'))).rejects.toEqual(code('STORAGE_FULL'));
    const small = await replica({ ...objects, cacheBytes: 399 });
    await expect(small.verify(await small.resolveModel('a'))).rejects.toThrow('AUTOMED_MODEL_CACHE_BYTES');
  });

  it('without room for a file does not call it damaged', async () => {
    const objects = settings();
    const { manifest } = await (
      await replica(objects)
    ).registerModel(modelDraft('polyp'), async (path) => {
      await writeWeights('one')(path);
      await writeSampleRecord(path, {
        own: new Map([['a'.repeat(64), 'train']]),
        inherited: new Map(),
        unrecorded: [],
      });
    });
    const small = await replica({ ...objects, cacheBytes: 10 });
    const stored = await small.resolveModel(`polyp@${manifest.version}`);
    await expect(readSampleRecord(stored)).rejects.toEqual(code('STORAGE_FULL'));
  });

  it('keeps what this machine has written, also in a folder of another file system', async () => {
    const cacheFolder = mkdtempSync('/dev/shm/automed-model-cache-');
    try {
      const store = await replica({ ...settings(), cacheFolder });
      const { weightsPath } = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
      expect(readFileSync(weightsPath, 'utf8')).toBe('one');
    } finally {
      rmSync(cacheFolder, { recursive: true });
    }
  });

  it('fetches again what was damaged on this machine', async () => {
    const objects = settings();
    await filled(objects);
    const store = await replica(objects);
    const stored = await store.resolveModel('a');
    await store.verify(stored);
    writeFileSync(stored.weightsPath, 'b'.repeat(400));
    await store.verify(stored);
    expect(readFileSync(stored.weightsPath, 'utf8')).toBe('a'.repeat(400));
  });

  it('fetches nothing twice, however many ask, also after a restart', async () => {
    const objects = settings();
    await filled(objects);
    const store = await replica(objects, 'restarted');
    const stored = await store.resolveModel('a');
    await Promise.all(Array.from({ length: 5 }, () => store.verify(stored)));
    const { ino } = statSync(stored.weightsPath);
    const again = await replica(objects, 'restarted');
    await again.verify(await again.resolveModel('a'));
    expect(statSync(stored.weightsPath).ino).toBe(ino);
  });

  it('hands out nothing that is not what was registered', async () => {
    const objects = settings();
    await filled(objects);
    await server.put('models', `${objects.prefix}models/a/1/weights.safetensors`, Buffer.from('x'.repeat(400)));
    const store = await replica(objects);
    await expect(store.verify(await store.resolveModel('a'))).rejects.toEqual(code('CHECKPOINT_CORRUPT'));
    expect(cached(store)).toEqual([]);
    const { problems } = await auditStore(store.root, objects);
    expect(problems).toContainEqual({
      subject: 'model a@1',
      problem: 'The weights of a@1 have changed since they were registered.',
    });
  });
});

describe('verification', () => {
  it('reads the objects, and leaves alone the copies of programs at work', async () => {
    const objects = settings({ cacheBytes: 500 });
    const store = await replica(objects);
    await store.registerModel(modelDraft('a'), writeWeights('a'.repeat(400)));
    await store.registerModel(modelDraft('b'), writeWeights('b'.repeat(400)));
    const used = await store.resolveModel('a');
    await store.verify(used);
    const { ino } = statSync(used.weightsPath);
    // The copy would hide it.
    await server.put('models', `${objects.prefix}models/a/1/weights.safetensors`, Buffer.from('x'.repeat(400)));
    const { problems } = await auditStore(store.root, objects);
    const damaged = problems.filter(({ problem }) => problem.includes('weights'));
    expect(damaged.map(({ subject }) => subject)).toEqual(['model a@1']);
    expect(statSync(used.weightsPath).ino).toBe(ino);
    expect(readdirSync(join(store.root, 'outgoing'))).toEqual([]);
  });
});

describe('garbage', () => {
  it('is found only where it can be seen what jobs need', async () => {
    const objects = settings();
    const store = await replica(objects);
    for (const content of ['one', 'two', 'three'])
      await store.registerModel(modelDraft('polyp'), writeWeights(content));
    const policy = { keepVersions: 1, promotedDays: 30 };
    await expect(findGarbage(store.root, policy, objects)).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
      message: expect.stringContaining('has no training.db') as string,
    });
    const database = openDatabase(join(store.root, 'training.db'));
    const draft = { id: 'a', kind: 'training', requestId: null, spec: { startFrom: 'polyp@2' } };
    new SqlJobTable(new SqliteDatabase(database)).insert({ ...draft, name: 'n', task: 't', priority: 0, creator: '' });
    database.close();
    const found = await findGarbage(store.root, policy, objects);
    expect(found.map(({ name }) => name)).toEqual(['polyp@1']);
    expect(await deleteGarbage(store.root, found, objects)).toEqual(found);
    expect((await store.listModels()).map(({ manifest }) => manifest.version)).toEqual([2, 3]);
  });
});

describe('garbage of writers that died', () => {
  const policy = { keepVersions: undefined, promotedDays: 30 };
  const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000);
  /** Makes the objects below a prefix as old as that. */
  const age = (prefix: string): void => {
    const path = join(served, 'models', prefix);
    for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), twoDaysAgo, twoDaysAgo);
  };

  it('is a version without manifest, a day after its last object; what is whole or at work stays', async () => {
    const objects = settings();
    const store = await replica(objects);
    openDatabase(join(store.root, 'training.db')).close();
    await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    const put = (file: string, text: string): Promise<void> =>
      server.put('models', `${objects.prefix}${file}`, Buffer.from(text));
    await put('models/polyp/2/weights.safetensors', 'lost');
    await put('models/polyp/2/report/index.html', 'page');
    await put('bases/tiny/1/weights.safetensors', 'lost');
    expect(await findGarbage(store.root, policy, objects)).toEqual([]);
    age(objects.prefix);
    const found = await findGarbage(store.root, policy, objects);
    expect(found.map(({ kind, name, bytes }) => [kind, name, bytes])).toEqual([
      ['upload', 'models/polyp/2', 8],
      ['upload', 'bases/tiny/1', 4],
    ]);
    // Somebody goes on with one of them.
    await put('bases/tiny/1/samples.json', '{}');
    expect((await deleteGarbage(store.root, found, objects)).map(({ name }) => name)).toEqual(['models/polyp/2']);
    expect(await findGarbage(store.root, policy, objects)).toEqual([]);
    await store.verify(await store.resolveModel('polyp@1'));
  });

  it('is no base while a model cannot be read, which may stand on it', async () => {
    const objects = settings();
    const store = await replica(objects);
    openDatabase(join(store.root, 'training.db')).close();
    const draft = { ...baseDraft('own'), trainedFrom: { name: 'tiny', version: 1, sha256: '0'.repeat(64) } };
    const { manifest } = await store.registerBase(draft, writeWeights('one'));
    const old = Buffer.from(JSON.stringify({ ...manifest, created: twoDaysAgo.toISOString() }));
    await server.put('models', `${objects.prefix}bases/own/1/base.json`, old);
    const model = `${objects.prefix}models/polyp/1/model.json`;
    await server.put('models', model, Buffer.from('{'));
    expect(await findGarbage(store.root, policy, objects)).toEqual([]);
    await server.client.send(new DeleteObjectCommand({ Bucket: 'models', Key: model }));
    expect((await findGarbage(store.root, policy, objects)).map(({ name }) => name)).toEqual(['own@1']);
  });
});

describe('an object store', () => {
  it('that refuses is not one without models: nothing is listed, and gc deletes nothing', async () => {
    const objects = settings();
    const store = await replica(objects);
    await store.registerModel(modelDraft('polyp'), writeWeights('one'));
    const database = openDatabase(join(store.root, 'training.db'));
    const draft = { id: 'a', kind: 'training', requestId: null, spec: { startFrom: 'polyp@1' } };
    new SqlJobTable(new SqliteDatabase(database)).insert({ ...draft, name: 'n', task: 't', priority: 0, creator: '' });
    database.close();
    const refusing = (request: IncomingMessage, response: ServerResponse): void => {
      if (request.method !== 'GET' || !request.url?.includes('model.json')) return;
      request.url = '/nothing-there';
      response.writeHead(403).end();
      response.writeHead = () => response;
    };
    server.http.prependListener('request', refusing);
    try {
      const reader = await replica(objects, store.root.split('/').at(-1));
      await expect(reader.listModels()).rejects.toThrow('refuses');
      await expect(findGarbage(store.root, { keepVersions: 1, promotedDays: 30 }, objects)).rejects.toThrow('refuses');
    } finally {
      server.http.off('request', refusing);
    }
  });

  it('that does not answer is told from one that lacks a model; what is here can still be used', async () => {
    const away = await startObjectStore(join(folder, 'away'), ['models']);
    const endpoint = process.env['AWS_ENDPOINT_URL_S3'];
    process.env['AWS_ENDPOINT_URL_S3'] = away.env['AWS_ENDPOINT_URL_S3'];
    try {
      const store = await replica(settings());
      const stored = await store.registerModel(modelDraft('polyp'), writeWeights('one'));
      await away.stop();
      await expect(store.resolveModel('polyp')).rejects.toEqual(code('SERVICE_UNAVAILABLE'));
      await expect(store.listModels()).rejects.toEqual(code('SERVICE_UNAVAILABLE'));
      await expect(store.registerModel(modelDraft('polyp'), writeWeights('two'))).rejects.toEqual(
        code('SERVICE_UNAVAILABLE'),
      );
      await store.verify(stored);
      expect(await readGolden(stored)).toBeUndefined();
      const later = await replica(settings());
      await expect(later.listModels()).rejects.toThrow('does not answer');
    } finally {
      process.env['AWS_ENDPOINT_URL_S3'] = endpoint;
    }
  });

  it('that breaks off in the middle of an answer does not answer, and is asked again', async () => {
    const objects = settings();
    await (await replica(objects)).registerModel(modelDraft('polyp'), writeWeights('x'.repeat(100_000)));
    const store = await replica(objects);
    const stored = await store.resolveModel('polyp');
    const breaking = (request: IncomingMessage, response: ServerResponse): void => {
      if (!request.url?.includes('weights')) return;
      const write = response.write.bind(response);
      response.write = ((chunk: Buffer) => {
        write(chunk.subarray(0, 1_000));
        setImmediate(() => request.socket.destroy());
        return true;
      }) as typeof response.write;
    };
    server.http.prependListener('request', breaking);
    await expect(store.verify(stored)).rejects.toEqual(code('SERVICE_UNAVAILABLE'));
    server.http.off('request', breaking);
    await store.verify(stored);
    expect(readFileSync(stored.weightsPath, 'utf8')).toHaveLength(100_000);
  });

  it('that ignores conditions is refused before a version is written', async () => {
    const careless = await startObjectStore(join(folder, 'careless'), ['models'], { conditions: false });
    const endpoint = process.env['AWS_ENDPOINT_URL_S3'];
    process.env['AWS_ENDPOINT_URL_S3'] = careless.env['AWS_ENDPOINT_URL_S3'];
    try {
      const store = await replica(settings());
      const refused = store.registerModel(modelDraft('polyp'), writeWeights('one'));
      await expect(refused).rejects.toMatchObject({
        code: 'ILLEGAL_STATE',
        message: expect.stringContaining('If-None-Match') as string,
      });
      expect(await store.listModels()).toEqual([]);
    } finally {
      await careless.stop();
      process.env['AWS_ENDPOINT_URL_S3'] = endpoint;
    }
  });

  it('without the bucket says so', async () => {
    const store = await replica({ ...settings(), bucket: 'missing' });
    await expect(store.listModels()).rejects.toEqual(code('NOT_FOUND'));
  });
});
