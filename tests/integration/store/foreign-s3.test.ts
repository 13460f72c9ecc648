// A store on an S3 server of others, which evaluates the conditions of writes and lists a thousand objects at a time.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditStore, ModelStore } from '../../../services/store';
import type { ObjectSettings } from '../../../services/store/objects/remote-store';
import { baseDraft, modelDraft, temporaryFolder, writeWeights } from '../../support/data';
import { startMoto, type Moto } from '../../support/moto';
import { findPython } from '../../support/python';

const folder = temporaryFolder();
const python = findPython(['moto.server', 'flask'], ['moto[server]==5.2.1'], join(folder, 'python'));
if (python.missing !== undefined) process.stderr.write(`skipped: a store on S3 of others (${python.missing})\n`);

jest.setTimeout(180_000);
const before = { ...process.env };
let server: Moto;
let count = 0;

(python.missing === undefined ? describe : describe.skip)('on an S3 server of others', () => {
  beforeAll(async () => {
    server = await startMoto(python.path, 'models');
    Object.assign(process.env, server.env);
  });
  afterAll(async () => {
    await server.stop();
    process.env = before;
  });

  const settings = (): ObjectSettings => ({
    bucket: 'models',
    prefix: `${(count += 1)}/`,
    forcePathStyle: true,
    cacheBytes: 1_000_000,
  });
  const replica = (objects: ObjectSettings): Promise<ModelStore> =>
    ModelStore.open(join(folder, `machine-${(count += 1)}`), { objects });

  test('versions and aliases of one machine are those of the other, whole and never written over', async () => {
    const objects = settings();
    const [one, other] = [await replica(objects), await replica(objects)];
    await one.registerBase(baseDraft('tiny'), writeWeights('base'));
    for (const text of ['one', 'two']) await one.registerModel(modelDraft('polyp'), writeWeights(text));
    expect((await other.registerModel(modelDraft('polyp'), writeWeights('three'))).manifest.version).toBe(3);
    await other.setAlias('polyp', 'production', 2);
    const found = await one.resolveModel('polyp@production');
    await one.verify(found);
    expect(readFileSync(found.weightsPath, 'utf8')).toBe('two');
    await one.deleteAlias('polyp', 'production');
    await expect(other.resolveModel('polyp@production')).rejects.toThrow('no alias "production"');
    await one.setAlias('polyp', 'production', 3);
    expect((await other.resolveModel('polyp@production')).manifest.version).toBe(3);
    await other.deleteModel('polyp', 1);
    expect((await one.listModels()).map(({ manifest }) => manifest.version)).toEqual([2, 3]);
    expect((await auditStore(one.root, objects)).problems.filter(({ problem }) => !problem.includes('base'))).toEqual(
      [],
    );
  });

  test('a list of a thousand versions is one request for a thousand objects, and a named version is one request', async () => {
    const objects = settings();
    const { manifest } = await (await replica(objects)).registerModel(modelDraft('polyp'), writeWeights('one'));
    const place = `${objects.prefix}models/polyp`;
    const versions = Array.from({ length: 999 }, (_, index) => index + 2);
    while (versions.length > 0) {
      await Promise.all(
        versions
          .splice(0, 20)
          .map((version) => server.put(`${place}/${version}/model.json`, JSON.stringify({ ...manifest, version }))),
      );
    }
    const asked = async (work: () => Promise<unknown>): Promise<{ lists: number; reads: number }> => {
      await server.requests();
      await work();
      const reads = await server.requests();
      const lists = reads.filter((request) => request.includes('list-type=2')).length;
      return { lists, reads: reads.length - lists };
    };
    const reader = await replica(objects);
    // 1,002 objects, with the first one's weights and the mark of its number.
    expect(await asked(() => reader.resolveModel('polyp@1000'))).toEqual({ lists: 0, reads: 1 });
    expect(await asked(() => reader.resolveModel('polyp'))).toEqual({ lists: 2, reads: 0 });
    expect(await asked(() => reader.listModels())).toEqual({ lists: 2, reads: 999 });
    expect(await asked(() => reader.listModels())).toEqual({ lists: 2, reads: 0 });
    expect((await reader.listModels()).length).toBe(1_000);
  });
});
