// What a store keeps of versions that are gone, and what it says when the disk does not answer.

import { existsSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ModelStore } from '../../../../services/store';
import { modelDraft, temporaryFolder, writeWeights } from '../../../support/data';

const folder = temporaryFolder();
let count = 0;

async function storeWith(versions: number): Promise<ModelStore> {
  count += 1;
  const store = await ModelStore.open(join(folder, String(count)));
  for (let i = 0; i < versions; i += 1) await register(store);
  return store;
}

async function register(store: ModelStore): Promise<number> {
  return (await store.registerModel(modelDraft('polyp'), writeWeights('weights'))).manifest.version;
}

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('the number of a version', () => {
  test.each([
    { deleted: [3], next: 4 },
    { deleted: [3, 2], next: 4 },
    { deleted: [2, 3], next: 4 },
    { deleted: [1, 2, 3], next: 4 },
    { deleted: [3, 2, 1], next: 4 },
  ])('is not given again after $deleted were deleted', async ({ deleted, next }) => {
    const store = await storeWith(3);
    for (const version of deleted) await store.deleteModel('polyp', version);
    expect(await register(store)).toBe(next);
  });

  test('is not given again after all were deleted at once, nor after that happened twice', async () => {
    const store = await storeWith(2);
    await store.deleteModel('polyp');
    expect(await register(store)).toBe(3);
    await store.deleteModel('polyp');
    expect(await register(await ModelStore.open(store.root))).toBe(4);
  });

  test('is not given again when it was taken, deleted and the next one taken while a writer was at work', async () => {
    const store = await storeWith(1);
    const slow = store.registerModel(modelDraft('polyp'), async (into) => {
      expect(await register(store)).toBe(2);
      await store.deleteModel('polyp', 2);
      await writeWeights('slow')(into);
    });
    expect((await slow).manifest.version).toBe(3);
  });

  test('goes on from what a store of before recorded of deleted versions, and from its versions', async () => {
    const store = await storeWith(1);
    const parent = join(store.root, 'models', 'polyp');
    rmSync(join(parent, '.given-1'));
    expect(await register(store)).toBe(2);
    writeFileSync(join(parent, '.last-deleted'), '7\n');
    expect(await register(store)).toBe(8);
  });

  test('is not guessed when that record cannot be read', async () => {
    const store = await storeWith(1);
    writeFileSync(join(store.root, 'models', 'polyp', '.last-deleted'), '');
    await expect(register(store)).rejects.toEqual(code('ILLEGAL_STATE'));
    expect(readdirSync(join(store.root, 'models', 'polyp')).filter((name) => name.includes('incoming'))).toEqual([]);
  });
});

test('a model without versions is unknown, and no hint names it', async () => {
  const store = await storeWith(1);
  await store.registerModel(modelDraft('lesion'), writeWeights('weights'));
  await store.deleteModel('polyp');
  await expect(store.resolveModel('polyp')).rejects.toThrow('There is no model "polyp"; known are lesion.');
  expect((await store.listModels()).map(({ manifest }) => manifest.name)).toEqual(['lesion']);
});

test('an alias that was left to promotions stays theirs after the model was deleted and registered anew', async () => {
  const store = await storeWith(1);
  await store.reserveAlias('polyp', 'stable');
  await store.setAlias('polyp', 'stable', 1);
  await store.deleteModel('polyp', undefined, { force: true });
  expect(await store.aliases('polyp')).toEqual({});
  await register(store);
  expect(await store.isReserved('polyp', 'stable')).toBe(true);
});

test('a version that another process deletes while it is read is not found, rather than damaged', async () => {
  const store = await storeWith(2);
  const versions = join(store.root, 'models', 'polyp');
  const found = store.resolveModel('polyp@2');
  renameSync(join(versions, '2'), join(versions, '.gone'));
  await expect(found).rejects.toEqual(code('NOT_FOUND'));
});

test('a folder that cannot be read is an error, not an empty one', async () => {
  const store = await storeWith(1);
  const models = join(store.root, 'models', 'polyp');
  // A file in its place: root reads whatever modes say.
  renameSync(models, `${models}.aside`);
  writeFileSync(models, '');
  await expect(store.resolveModel('polyp')).rejects.toThrow('ENOTDIR');
  await expect(store.aliases('polyp')).rejects.toThrow('ENOTDIR');
  rmSync(models);
  renameSync(`${models}.aside`, models);
  expect((await store.resolveModel('polyp')).manifest.version).toBe(1);
});

test('what is registered, named, reserved or deleted is flushed up to the root of the store', async () => {
  const store = await storeWith(0);
  const probe = await open(store.root, 'r');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const flushed = new Set<string>();
  // Hears which folder is flushed, and still flushes it.
  const sync = jest.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    flushed.add(relative(store.root, readlinkSync(`/proc/self/fd/${this.fd}`)));
    await this.datasync();
  });
  const seen = (): string[] => {
    const names = [...flushed].filter((name) => !/incoming|given/.test(name)).sort();
    flushed.clear();
    return names;
  };
  try {
    await register(store);
    expect(seen()).toEqual(['', 'models', 'models/polyp']);
    await store.setAlias('polyp', 'stable', 1);
    expect(seen()).toEqual(['', 'models', 'models/polyp', 'models/polyp/aliases']);
    await store.reserveAlias('polyp', 'live');
    expect(seen()).toContain('models/polyp/aliases');
    await store.deleteAlias('polyp', 'stable');
    expect(seen()).toEqual(['models/polyp/aliases']);
    await store.deleteModel('polyp', 1);
    expect(seen()).toEqual(['models/polyp']);
  } finally {
    sync.mockRestore();
  }
  expect(existsSync(join(store.root, 'models', 'polyp', '1'))).toBe(false);
});
