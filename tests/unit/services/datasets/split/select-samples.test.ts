// Which images of a folder a version is measured on, by what it recorded.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodeImage } from '../../../../../services/imaging/decode';
import { lookUpIn, type SamplePart, type SampleRecord, type SeenPart } from '../../../../../services/store';
import { pictureHash } from '../../../../../services/datasets/files/picture-hash';
import { selectSamples, type SelectSpec } from '../../../../../services/datasets/split/select-samples';
import { temporaryFolder } from '../../../../support/data';
import { discImage } from '../../../../support/stack-images';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const signal = new AbortController().signal;

/** `count` pictures of two classes by turns: a/0.png, b/1.png, ... */
async function pictures(count: number, ...others: [string, string][]): Promise<string> {
  const files: [string, Buffer | string][] = [...others];
  for (let n = 0; n < count; n += 1)
    files.push([`${n % 2 ? 'b' : 'a'}/${n}.png`, (await discImage(12, 10, n + 1)).png]);
  return writeTree(root, ...files);
}

const nameOf = (n: number): string => `${n % 2 ? 'b' : 'a'}/${n}.png`;
const digest = (data: string, n: number): string =>
  createHash('sha256')
    .update(readFileSync(join(data, nameOf(n))))
    .digest('hex');

/** A record by the numbers of the pictures. */
function record(data: string, parts: Partial<Record<SamplePart, number[]>>, inherited: number[] = []): SampleRecord {
  const own = Object.entries(parts).flatMap(([part, numbers]) =>
    numbers.map((n): [string, SamplePart] => [digest(data, n), part as SamplePart]),
  );
  const before = inherited.map((n): [string, SeenPart] => [digest(data, n), 'train']);
  return { own: new Map(own), inherited: new Map(before), unrecorded: [] };
}

async function select(known: SampleRecord | undefined, spec: Partial<SelectSpec> & { data: string }) {
  const lookUp = async (digests: readonly string[]) => Promise.resolve(known && lookUpIn(known, digests));
  const full = { task: 'classification', validationFraction: 0.25, seed: 0, ...spec } as const;
  const { samples, ...rest } = await selectSamples(full, { name: 'kind@1', lookUp }, signal);
  return { ...rest, numbers: samples.map(({ name }) => Number(/(\d+)\.\w+$/.exec(name)?.[1])).sort((a, b) => a - b) };
}

const upTo = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe('without a part', () => {
  it('takes what was left out and kept for the test, and says what it leaves', async () => {
    const data = await pictures(12);
    const known = record(data, { train: upTo(0, 4), validation: [4, 5], test: [6, 7], unused: upTo(8, 12) });
    const found = await select(known, { data });
    expect(found).toMatchObject({ part: 'unseen', numbers: upTo(6, 12), seen: 0 });
    expect(found.notes).toEqual([
      'measured on 6 images that kind@1 has not seen, without 6 images that it has seen (4 train, 2 validation)',
    ]);
  });

  it('calls that the test part where it is nothing else', async () => {
    const data = await pictures(8);
    const found = await select(record(data, { train: upTo(0, 4), validation: [4, 5], test: [6, 7] }), { data });
    expect(found).toMatchObject({ part: 'test', numbers: [6, 7] });
  });

  it('leaves out a seen picture in another format, under another name and in the test folder', async () => {
    const data = await pictures(6);
    const known = record(data, { train: [0, 1] });
    const pixels = await decodeImage(readFileSync(join(data, nameOf(0))));
    const own = new Map([...known.own, [pictureHash(pixels), 'train' as const]]);
    writeFileSync(
      join(data, 'a/90.tiff'),
      await sharp(join(data, nameOf(0)))
        .tiff({ compression: 'lzw' })
        .toBuffer(),
    );
    expect((await select({ ...known, own }, { data })).numbers).toEqual(upTo(2, 6));
  });

  it('leaves out other pictures of a patient whom it has seen', async () => {
    const rows = upTo(0, 8).map((n) => `${nameOf(n)},p${Math.floor(n / 2)}`);
    const data = await pictures(8, ['manifest.csv', ['file,patient', ...rows].join('\n')]);
    const found = await select(record(data, { train: [0, 2], unused: upTo(4, 8) }), { data });
    expect(found.numbers).toEqual(upTo(4, 8));
    expect(found.notes[0]).toMatch(
      /without 2 images that it has seen \(2 train\) and 2 images of groups of which it has/,
    );
  });

  it('falls back on what selected the checkpoint when it has seen everything, says so, and never on training images', async () => {
    const data = await pictures(6);
    const known = record(data, { train: upTo(0, 4), validation: [4, 5] });
    const found = await select(known, { data });
    expect(found).toMatchObject({ part: 'validation', numbers: [4, 5], seen: 2 });
    expect(found.notes[0]).toMatch(/nothing is left .* 2 images that selected its checkpoint: the scores flatter it/);
    await expect(select(known, { data, part: 'unseen' })).rejects.toMatchObject({
      field: 'part',
      message: expect.stringContaining(
        '6 images that it has seen (4 train, 2 validation): choose another part, or all',
      ),
    });
    await expect(select(record(data, { train: upTo(0, 6) }), { data })).rejects.toMatchObject({ field: 'part' });
  });

  it('leaves out what the base has seen', async () => {
    const data = await pictures(8);
    const found = await select(record(data, { train: upTo(0, 4), test: upTo(4, 8) }, [4, 5]), { data });
    expect(found).toMatchObject({ part: 'test', numbers: [6, 7] });
    expect(found.notes[0]).toContain('2 by its base');
  });
});

describe('a part that is asked for', () => {
  it('is the one of the training, whatever the shares of a split are now', async () => {
    const data = await pictures(12);
    const known = record(data, { train: upTo(0, 7), validation: [7, 8], test: [9, 10, 11] });
    for (const testFraction of [0, 0.5]) {
      const how = { data, seed: 5, testFraction, validationFraction: 0.5 };
      expect((await select(known, { ...how, part: 'validation' })).numbers).toEqual([7, 8]);
      expect((await select(known, { ...how, part: 'test' })).numbers).toEqual([9, 10, 11]);
      expect((await select(known, { ...how, part: 'train' })).numbers).toEqual(upTo(0, 7));
    }
  });

  it('is everything with its count of seen images', async () => {
    const data = await pictures(8);
    const found = await select(record(data, { train: upTo(0, 4), validation: [4], unused: [5] }), {
      data,
      part: 'all',
    });
    expect(found).toMatchObject({ part: 'all', numbers: upTo(0, 8), seen: 5 });
    expect(found.notes).toEqual(['kind@1 has seen 5 of the 8 images (4 train, 1 validation): the scores flatter it']);
  });

  it('is a test folder without what the model was trained on', async () => {
    const data = await pictures(8);
    for (const n of upTo(0, 8)) {
      const part = n < 4 ? 'train' : 'test';
      const folder = join(data, part, nameOf(n).slice(0, 1));
      mkdirSync(folder, { recursive: true });
      renameSync(join(data, nameOf(n)), join(folder, `${n}.png`));
    }
    for (const name of ['a', 'b']) rmdirSync(join(data, name));
    const bytes = (n: number): Buffer =>
      readFileSync(join(data, n < 4 ? 'train' : 'test', n % 2 ? 'b' : 'a', `${n}.png`));
    const own = upTo(0, 6).map((n): [string, SamplePart] => [
      createHash('sha256').update(bytes(n)).digest('hex'),
      'train',
    ]);
    const known = { own: new Map(own), inherited: new Map(), unrecorded: [] };
    for (const part of ['test', undefined] as const) {
      const found = await select(known, { data, part });
      expect(found).toMatchObject({ part: 'test', numbers: [6, 7], seen: 0 });
    }
  });
});

it('the selection draws its limit from what is measured, class by class', async () => {
  const data = await pictures(20);
  const known = record(data, { train: upTo(0, 8), unused: upTo(8, 20) });
  const { numbers } = await select(known, { data, limit: 6 });
  expect(numbers.filter((n) => n % 2)).toHaveLength(3);
  expect(numbers.filter((n) => n % 2 === 0)).toHaveLength(3);
});

it('the selection says of a version without a record that it cannot tell', async () => {
  const data = await pictures(8);
  const found = await select(undefined, { data });
  expect(found).toMatchObject({ part: 'all', seen: null, numbers: upTo(0, 8) });
  expect(found.notes).toEqual([
    'kind@1 does not record what it was trained on: images of its training may be among the 8',
  ]);
  await expect(select(undefined, { data, part: 'unseen' })).rejects.toMatchObject({ field: 'part' });
});
