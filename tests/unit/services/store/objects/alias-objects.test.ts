import { startObjectStore, type ObjectStore as Served } from '../../../../support/object-store';
import { temporaryFolder } from '../../../../support/data';
import { AliasObjects } from '../../../../../services/store/objects/alias-objects';
import type { ObjectStore } from '../../../../../services/store/objects/object-store';
import { S3Objects } from '../../../../../services/store/objects/s3-objects';

const before = { ...process.env };
const folder = temporaryFolder();
let server: Served;
let objects: ObjectStore;

beforeAll(async () => {
  server = await startObjectStore(folder, ['models']);
  Object.assign(process.env, server.env);
  objects = await S3Objects.open({ bucket: 'models', prefix: '', forcePathStyle: true });
});
afterAll(async () => {
  await server.stop();
  process.env = before;
});

/** Aliases of somebody who is slow: between a look and what follows, something else happens. */
function slowly(meanwhile: () => Promise<void>): AliasObjects {
  let looks = 0;
  const read: ObjectStore['read'] = async (key) => {
    const found = await objects.read(key);
    if ((looks += 1) === 1) await meanwhile();
    return found;
  };
  return new AliasObjects({
    place: objects.place,
    list: (prefix) => objects.list(prefix),
    open: (key) => objects.open(key),
    write: (...write) => objects.write(...write),
    upload: (...upload) => objects.upload(...upload),
    remove: (key) => objects.remove(key),
    read,
  });
}

test('an alias that is removed is gone, and can be set again', async () => {
  const aliases = new AliasObjects(objects);
  await aliases.point('polyp', 'production', 1);
  expect(await aliases.remove('polyp', 'production')).toBe(true);
  expect(await aliases.read('polyp')).toEqual({});
  expect(await aliases.remove('polyp', 'production')).toBe(false);
  await aliases.point('polyp', 'production', 2);
  expect(await aliases.read('polyp')).toEqual({ production: 2 });
});

test('an alias that somebody moves at the same moment is not removed unseen', async () => {
  const other = new AliasObjects(objects);
  await other.point('liver', 'production', 1);
  const removing = slowly(() => other.point('liver', 'production', 2)).remove('liver', 'production');
  await expect(removing).rejects.toThrow('moved by somebody else');
  expect(await other.read('liver')).toEqual({ production: 2 });
});

test('two who remove one alias both see it gone', async () => {
  const other = new AliasObjects(objects);
  await other.point('lung', 'production', 1);
  const removing = slowly(async () => void (await other.remove('lung', 'production')));
  expect(await removing.remove('lung', 'production')).toBe(true);
  expect(await other.read('lung')).toEqual({});
});
