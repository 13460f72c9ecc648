// What the host keeps in memory when there is room for some of it only.

import type { HostOptions } from '../../../../../services/inference/domain/model-host';
import { BASE_BYTES, HEAD_BYTES, OTHER_SHA, model, setUp } from '../../../../support/counted-host';

describe('a budget for weights', () => {
  const withRoomFor = (heads: number): Partial<HostOptions> => ({
    weightsBudgetBytes: BASE_BYTES + heads * HEAD_BYTES,
  });

  test('lets the model go that was not used for the longest time, and loads it again when asked', async () => {
    const { host, calls } = setUp(withRoomFor(2));
    for (const name of ['polyp', 'lesion', 'polyp']) (await host.acquire(name, 'segmentation')).release();
    (await host.acquire('tumour', 'classification')).release();
    expect(calls.events).toEqual(['+polyp@2', '+lesion@1', '-lesion@1', '+tumour@1']);
    expect([host.weightsBytes, host.evictionCount]).toEqual([BASE_BYTES + 2 * HEAD_BYTES, 1]);
    (await host.acquire('lesion', 'segmentation')).release();
    expect(calls.events.slice(4)).toEqual(['-polyp@2', '+lesion@1']);
    expect(calls.bases.length).toBe(1);
  });

  test('refuses when everything is in use, and has room again after it', async () => {
    const { host } = setUp(withRoomFor(1));
    const lease = await host.acquire('polyp', 'segmentation');
    await expect(host.acquire('lesion', 'segmentation')).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(host.weightsBytes).toBe(BASE_BYTES + HEAD_BYTES);
    lease.release();
    (await host.acquire('lesion', 'segmentation')).release();
    expect(host.loadedCount).toBe(1);
  });

  test('a model that does not fit leaves its base as it was', async () => {
    const { host, calls, store } = setUp({ weightsBudgetBytes: BASE_BYTES + 2 * HEAD_BYTES });
    (await host.acquireBase('tiny')).release();
    const huge = model('huge', 1);
    huge.manifest.weights.bytes = 2 * BASE_BYTES;
    store.set('huge', huge);
    await expect(host.acquire('huge', 'segmentation')).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    // The base was held by what was being loaded; now it is idle, and nothing else is.
    expect([host.loadedBaseCount, host.weightsBytes, calls.bases.length]).toEqual([1, BASE_BYTES, 1]);
  });

  test('a load that cannot fit takes nothing out', async () => {
    const { host, calls, store } = setUp(withRoomFor(2));
    for (const name of ['polyp', 'lesion']) (await host.acquire(name, 'segmentation')).release();
    const loaded = [...calls.events];
    const huge = model('huge', 1);
    huge.manifest.weights.bytes = BASE_BYTES; // more than both idle models would make room for
    store.set('huge', huge);
    await expect(host.acquire('huge', 'segmentation')).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect([calls.events, host.evictionCount, host.loadedCount]).toEqual([loaded, 0, 2]);
  });

  test('nor does one whose base fits and whose model then would not', async () => {
    const { host, calls, store } = setUp({ weightsBudgetBytes: 2 * BASE_BYTES });
    (await host.acquireBase('tiny')).release();
    const elsewhere = model('elsewhere', 1);
    elsewhere.manifest.base = { name: 'other', version: 1, sha256: OTHER_SHA };
    elsewhere.manifest.weights.bytes = BASE_BYTES + 1; // with its base more than the whole budget
    store.set('elsewhere', elsewhere);
    await expect(host.acquire('elsewhere', 'segmentation')).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringContaining(`(${2 * BASE_BYTES + 1} bytes): the weights in use take 0 of`) as string,
    });
    expect([calls.bases.map(({ disposed }) => disposed), host.evictionCount]).toEqual([[0], 0]);
    elsewhere.manifest.weights.bytes = BASE_BYTES; // now it fits once the other base is gone
    (await host.acquire('elsewhere', 'segmentation')).release();
    expect([calls.bases.map(({ disposed }) => disposed), host.weightsBytes]).toEqual([[1, 0], 2 * BASE_BYTES]);
  });

  test('a base alone that does not fit is refused', async () => {
    const { host } = setUp({ weightsBudgetBytes: BASE_BYTES - 1 });
    await expect(host.acquireBase('tiny')).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect([host.weightsBytes, host.loadedBaseCount]).toEqual([0, 0]);
  });

  test('never lets go of what could not be loaded again', async () => {
    const { host } = setUp({ ...withRoomFor(1), loadOnDemand: false });
    await host.load('polyp');
    await expect(host.load('lesion')).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(host.loadedCount).toBe(1);
  });
});
