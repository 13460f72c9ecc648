import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SampleRecords } from '../../../../../services/inference/domain/sample-records';
import { SAMPLES_FILE, writeSampleRecord, type StoredModel } from '../../../../../services/store';
import { temporaryFolder } from '../../../../support/data';

const root = temporaryFolder();

/** A version with a record of so many digests. */
async function version(name: string, digests: number): Promise<StoredModel> {
  const folder = join(root, name);
  mkdirSync(folder);
  const own = Array.from({ length: digests }, (_, n) => [
    createHash('sha256').update(`${name}${n}`).digest('hex'),
    'train',
  ]);
  await writeSampleRecord(folder, { own: new Map(own as [string, 'train'][]), inherited: new Map(), unrecorded: [] });
  const sha256 = createHash('sha256')
    .update(readFileSync(join(folder, SAMPLES_FILE)))
    .digest('hex');
  return { folder, manifest: { name, version: 1, files: { [SAMPLES_FILE]: sha256 } } } as unknown as StoredModel;
}

it('the cache of records reads a record once, and keeps the ones that were asked for last', async () => {
  const [one, two, three] = [await version('one', 4), await version('two', 4), await version('three', 4)];
  const records = new SampleRecords(8);
  for (const each of [one, two, one, three]) expect((await records.of(each))?.own.size).toBe(4);
  expect(records.size).toBe(8);
  for (const { folder } of [one, two, three]) rmSync(join(folder, SAMPLES_FILE));
  expect((await records.of(one))?.own.size).toBe(4);
  expect((await records.of(three))?.own.size).toBe(4);
  await expect(records.of(two)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
});

it('the cache of records keeps none that is larger than all that it may keep, and nothing of a version without record', async () => {
  const records = new SampleRecords(8);
  expect((await records.of(await version('large', 9)))?.own.size).toBe(9);
  expect(
    await records.of({ folder: root, manifest: { name: 'old', version: 1 } } as unknown as StoredModel),
  ).toBeUndefined();
  expect(records.size).toBe(0);
});
