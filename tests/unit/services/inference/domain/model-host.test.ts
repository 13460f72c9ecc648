// The rules of who loads what when, with an engine that only counts. The real one answers in tests/integration/inference.

import { BASE_BYTES, BASE_SHA, model, setUp } from '../../../../support/counted-host';

test('requests that arrive together load the model and its base once', async () => {
  const { host, calls } = setUp();
  const leases = await Promise.all(Array.from({ length: 5 }, () => host.acquire('polyp', 'segmentation')));
  expect(new Set(leases.map(({ model: hosted }) => hosted.head)).size).toBe(1);
  expect([calls.bases.length, calls.heads.length]).toEqual([1, 1]);
  expect(calls.events).toEqual(['+polyp@2']);
});

test('reduced precision is for versions that agree with float32, on a base of their own', async () => {
  const { host, calls, store } = setUp({ precision: 'bfloat16' });
  const measured = (dice: number) => ({ reducedPrecision: { bfloat16: { images: 60, dice } } });
  const agreeing = store.get('polyp')!;
  store.set('polyp', { ...agreeing, manifest: { ...agreeing.manifest, ...measured(0.995) } });
  const differing = store.get('lesion')!;
  store.set('lesion', { ...differing, manifest: { ...differing.manifest, ...measured(0.98) } });
  for (const name of ['polyp', 'lesion']) (await host.acquire(name, 'segmentation')).release();
  (await host.acquire('tumour', 'classification')).release();
  expect(calls.precisions).toEqual(['bfloat16', 'float32']);
  expect(host.weights().filter(({ kind }) => kind === 'base')).toMatchObject([{}, {}]);
  await host.unload('polyp');
  await Promise.resolve();
  expect(calls.bases.map(({ disposed }) => disposed)).toEqual([1, 0]);
});

test('without the setting every version stays in float32', async () => {
  const { host, calls, store } = setUp();
  const { manifest, ...rest } = store.get('polyp')!;
  const reducedPrecision = { bfloat16: { images: 60, dice: 1 } };
  store.set('polyp', { ...rest, manifest: { ...manifest, reducedPrecision } });
  (await host.acquire('polyp', 'segmentation')).release();
  expect(calls.precisions).toEqual(['float32']);
});

test('heads share a base, which is freed with the last of them', async () => {
  const { host, calls } = setUp();
  for (const name of ['polyp', 'lesion']) (await host.acquire(name, 'segmentation')).release();
  expect(calls.bases.length).toBe(1);
  await host.unload('polyp');
  expect(calls.bases[0]?.disposed).toBe(0);
  await host.unload('lesion');
  await Promise.resolve();
  expect(calls.bases[0]?.disposed).toBe(1);
  expect(calls.heads.map(({ disposed }) => disposed)).toEqual([1, 1]);
});

test('a model that is unloaded while in use stays until its last request is answered', async () => {
  const { host, calls } = setUp();
  const [one, two] = [await host.acquire('polyp', 'segmentation'), await host.acquire('polyp', 'segmentation')];
  await host.unload('polyp');
  one.release();
  one.release();
  expect(calls.heads[0]?.disposed).toBe(0);
  two.release();
  expect(calls.heads[0]?.disposed).toBe(1);
  (await host.acquire('polyp', 'segmentation')).release();
  expect(calls.heads.length).toBe(2);
});

test('a model that is unloaded while it loads is freed when it is there', async () => {
  const { host, calls } = setUp();
  const loading = host.acquire('polyp', 'segmentation');
  await Promise.resolve();
  await host.unload('polyp');
  (await loading).release();
  expect(calls.heads[0]?.disposed).toBe(1);
  expect(host.loadedCount).toBe(0);
});

test('the host tells a model of the other task from one that does not exist', async () => {
  const { host } = setUp();
  await expect(host.acquire('tumour', 'segmentation')).rejects.toMatchObject({ code: 'WRONG_TASK', field: 'model' });
  await expect(host.acquire('nobody', 'segmentation')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(host.acquire('', 'segmentation')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('without loading on demand only what was loaded answers', async () => {
  const { host } = setUp({ loadOnDemand: false });
  await expect(host.acquire('polyp', 'segmentation')).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  await host.load('polyp');
  (await host.acquire('polyp@2', 'segmentation')).release();
});

test('the host does not load models of a role that the program does not have', async () => {
  const { host } = setUp({ tasks: ['segmentation'] });
  await expect(host.load('tumour')).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
});

test('a load that failed is tried again by the next request', async () => {
  const { host, calls, damage } = setUp();
  damage(true);
  await expect(host.acquire('polyp', 'segmentation')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  expect(host.loadedBaseCount).toBe(0);
  damage(false);
  (await host.acquire('polyp', 'segmentation')).release();
  expect(calls.events).toEqual(['+polyp@2']);
});

test('the host refuses a head whose base is not the one it was trained on', async () => {
  const { host } = setUp({}, 'c'.repeat(64));
  await expect(host.acquire('polyp', 'segmentation')).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
});

const polyp3 = model('polyp', 3, 'segmentation', 'd'.repeat(64));

/** Lets what runs in the background come to its end. */
async function background(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a reference that moves to another version', () => {
  const version = async (host: ReturnType<typeof setUp>['host'], reference = 'polyp'): Promise<number> => {
    const lease = await host.acquire(reference, 'segmentation');
    lease.release();
    return lease.model.identity.version;
  };

  test('is remembered for a while; then the old version answers until the new one is loaded, and leaves', async () => {
    const { host, calls, store, tick } = setUp();
    expect(await version(host)).toBe(2);
    store.set('polyp', polyp3);
    expect(await version(host)).toBe(2);
    expect(calls.resolved).toBe(1);
    tick(1001);
    expect(await version(host)).toBe(2);
    await background();
    expect(await version(host)).toBe(3);
    expect(calls.events).toEqual(['+polyp@2', '+polyp@3', '-polyp@2']);
    expect(calls.heads.map(({ disposed }) => disposed)).toEqual([1, 0]);
    expect([calls.released, calls.bases.length, calls.bases[0]?.disposed]).toEqual([1, 1, 0]);
  });

  test('keeps the version of before for the requests that hold it', async () => {
    const { host, calls, store, tick } = setUp();
    const lease = await host.acquire('polyp', 'segmentation');
    store.set('polyp', polyp3);
    tick(1001);
    await host.refresh();
    await background();
    expect(await version(host)).toBe(3);
    expect([calls.heads[0]?.disposed, calls.released]).toEqual([0, 0]);
    lease.release();
    expect([calls.heads[0]?.disposed, calls.released]).toEqual([1, 1]);
  });

  test('is noticed without a request', async () => {
    const { host, calls, store, tick } = setUp();
    await version(host);
    store.set('polyp', polyp3);
    tick(1001);
    await host.refresh();
    await background();
    expect(calls.events).toEqual(['+polyp@2', '+polyp@3', '-polyp@2']);
  });

  test('stays on its version while the new one cannot serve, and tries again later', async () => {
    const { host, calls, store, unproved, tick } = setUp();
    await version(host);
    store.set('polyp', polyp3);
    unproved.add(3);
    for (let turn = 0; turn < 5; turn += 1) {
      tick(1001);
      expect(await version(host)).toBe(2);
      await background();
    }
    expect(calls.heldBack).toEqual(['polyp: it answers otherwise']);
    expect(calls.heads.map(({ disposed }) => disposed)).toEqual([0, 1]);
    unproved.clear();
    tick(30_001);
    await version(host);
    await background();
    expect(await version(host)).toBe(3);
  });

  test('keeps a version that others ask for, or that was loaded on request', async () => {
    const used = setUp();
    await version(used.host);
    await version(used.host, 'polyp@2');
    used.store.set('polyp', polyp3);
    used.tick(1001);
    await used.host.refresh();
    await background();
    expect(await version(used.host)).toBe(3);
    expect(used.host.loadedCount).toBe(2);

    const asked = setUp({ loadOnDemand: false });
    await asked.host.load('polyp@2');
    await asked.host.load('polyp');
    asked.store.set('polyp', polyp3);
    asked.tick(100_000);
    await asked.host.refresh();
    await background();
    expect([await version(asked.host), await version(asked.host, 'polyp@2')]).toEqual([3, 2]);
  });

  test('goes at once to a version that was loaded for it', async () => {
    const { host, store } = setUp();
    store.set('polyp@3', polyp3);
    await host.anticipate('polyp', 3);
    expect(host.loadedCount).toBe(0);
    await version(host);
    await host.anticipate('polyp', 3);
    expect(host.loadedCount).toBe(2);
    store.set('polyp', polyp3);
    host.forget();
    expect(await version(host)).toBe(3);
    expect(host.loadedCount).toBe(1);
  });

  test('that is gone is gone', async () => {
    const { host, store, tick } = setUp();
    await version(host);
    store.delete('polyp');
    tick(1001);
    await expect(version(host)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('stays where it is when it moves back while the other version is being loaded, which leaves memory', async () => {
    const { host, calls, store, tick } = setUp();
    (await host.acquire('polyp', 'segmentation')).release();
    store.set('polyp', model('polyp', 3));
    tick(1001);
    await host.refresh();
    store.set('polyp', model('polyp', 2));
    tick(1001);
    await host.refresh();
    await background();
    const lease = await host.acquire('polyp', 'segmentation');
    expect(lease.model.manifest.version).toBe(2);
    lease.release();
    expect(calls.events).toEqual(['+polyp@2', '+polyp@3', '-polyp@3']);
  });

  test('goes to the last of several moves, and those before it leave memory', async () => {
    const { host, calls, store, tick } = setUp();
    (await host.acquire('polyp', 'segmentation')).release();
    for (const version of [3, 4]) {
      store.set('polyp', model('polyp', version));
      tick(1001);
      await host.refresh();
    }
    await background();
    const lease = await host.acquire('polyp', 'segmentation');
    expect(lease.model.manifest.version).toBe(4);
    lease.release();
    expect(calls.events.filter((event) => event.endsWith('@3'))).toEqual(['+polyp@3', '-polyp@3']);
  });

  test('leaves memory when another process deletes its version, unless another reference leads to it', async () => {
    const { host, calls, store, tick } = setUp();
    (await host.acquire('polyp', 'segmentation')).release();
    (await host.acquire('polyp@2', 'segmentation')).release();
    store.delete('polyp@2');
    tick(1001);
    await host.refresh();
    expect(calls.events).toEqual(['+polyp@2']);
    store.delete('polyp');
    tick(1001);
    await host.refresh();
    expect(calls.events).toEqual(['+polyp@2', '-polyp@2']);
    await expect(host.acquire('polyp', 'segmentation')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('goes on answering while the store cannot be read', async () => {
    const { host, calls, tick, hide } = setUp();
    (await host.acquire('polyp', 'segmentation')).release();
    hide(true);
    tick(1001);
    (await host.acquire('polyp', 'segmentation')).release();
    expect(calls.heldBack).toEqual(['polyp: EIO: i/o error']);
    hide(false);
    tick(1001);
    (await host.acquire('polyp', 'segmentation')).release();
    expect(calls.events).toEqual(['+polyp@2']);
  });

  test('is never answered by a version that is leaving, however requests and switches interleave', async () => {
    const { host, store } = setUp({ resolveTtlMs: 0, loadOnDemand: false });
    await host.load('polyp');
    const versions = [model('polyp', 2), polyp3];
    const seen = new Set<number>();
    for (let turn = 0; turn < 200; turn += 1) {
      store.set('polyp', versions[(turn >> 3) % 2]!);
      const leases = await Promise.all([1, 2, 3].map(() => host.acquire('polyp', 'segmentation')));
      for (const lease of leases) {
        const { model: hosted } = lease;
        expect(hosted.head.disposed).toBe(0);
        seen.add(hosted.identity.version);
        lease.release();
      }
      if (turn % 3 === 0) await background();
    }
    expect(seen).toEqual(new Set([2, 3]));
    await background();
    expect(host.loadedCount).toBe(1);
  });
});

test('a model that does not answer as it should is not served, and leaves memory', async () => {
  const { host, calls, unproved } = setUp();
  unproved.add(2);
  await expect(host.acquire('polyp', 'segmentation')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  expect(calls.heads.map(({ disposed }) => disposed)).toEqual([1]);
  expect([host.loadedCount, host.loadedBaseCount, host.weightsBytes]).toEqual([0, 0, 0]);
});

test('deleting a version takes it out of memory', async () => {
  const { host, calls } = setUp();
  (await host.acquire('polyp', 'segmentation')).release();
  host.retireDeleted('polyp', 1);
  expect(host.loadedCount).toBe(1);
  host.retireDeleted('polyp', undefined);
  expect(host.loadedCount).toBe(0);
  expect(calls.events).toEqual(['+polyp@2', '-polyp@2']);
});

test('a base that was asked for itself stays after the last request, and serves its models', async () => {
  const { host, calls } = setUp();
  (await host.acquireBase('tiny')).release();
  expect([host.loadedBaseCount, host.weightsBytes]).toEqual([1, BASE_BYTES]);
  (await host.acquire('polyp', 'segmentation')).release();
  await host.unload('polyp');
  expect([calls.bases.length, host.loadedBaseCount, calls.bases[0]?.disposed]).toEqual([1, 1, 0]);
  host.close();
  expect([host.loadedBaseCount, host.weightsBytes]).toEqual([0, 0]);
});

test('a base is found by its name, its version, and by a segmentation model on it', async () => {
  const { host } = setUp();
  for (const reference of ['tiny', 'tiny@1', 'polyp', 'polyp@2']) {
    const lease = await host.acquireBase(reference);
    expect(lease.model.identity).toEqual({ name: 'tiny', version: 1, weightsSha256: BASE_SHA, precision: 'float32' });
    lease.release();
  }
  await expect(host.acquireBase('tumour')).rejects.toMatchObject({ code: 'WRONG_TASK', field: 'model' });
  await expect(host.acquireBase('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'model' });
  await expect(host.acquireBase('tiny@production')).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'model' });
  await expect(host.acquireBase('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'model' });
});

test('a base is loaded while its file is verified, and let go where it is not the registered one', async () => {
  const { host, calls, damage } = setUp();
  damage(true);
  await expect(host.acquireBase('tiny')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  expect(calls.bases.map(({ disposed }) => disposed)).toEqual([1]);
  expect(host.weights()).toEqual([]);
  damage(false);
  (await host.acquireBase('tiny')).release();
  expect(calls.bases.map(({ disposed }) => disposed)).toEqual([1, 0]);
});
