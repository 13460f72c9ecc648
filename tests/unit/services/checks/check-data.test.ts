import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { encodeMaskPng } from '../../../../services/imaging/mask';
import { checkData, type DataReport } from '../../../../services/checks/check-data';
import type { FindingKind } from '../../../../services/datasets/samples/finding';
import { listSamples, type DataSpec } from '../../../../services/datasets/split/divide';
import { temporaryFolder } from '../../../support/data';
import { discImage } from '../../../support/stack-images';

const root = temporaryFolder();
let folders = 0;

function newFolder(): string {
  folders += 1;
  return join(root, String(folders));
}

function put(path: string, bytes: Buffer): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

async function picture(path: string, seed: number): Promise<string> {
  return put(path, (await discImage(16, 12, seed)).png);
}

async function mask(path: string, foreground: number): Promise<string> {
  const pixels = Uint8Array.from({ length: 16 * 12 }, (_, at) => (at < foreground ? 1 : 0));
  return put(path, await encodeMaskPng(pixels, 16, 12));
}

async function check(data: string, changes: Partial<DataSpec> = {}): Promise<DataReport> {
  const spec: DataSpec = {
    task: 'classification',
    data,
    validationFraction: 0.5,
    seed: 0,
    strict: false,
    ...changes,
  };
  return checkData(await listSamples(spec));
}

const ofKind = ({ findings }: DataReport, kind: FindingKind): string[][] =>
  findings.filter((finding) => finding.kind === kind).map(({ names }) => names);

/** Two classes of two images in each part, all different. */
async function twoClasses(): Promise<string> {
  const folder = newFolder();
  let seed = folders * 100;
  for (const part of ['train', 'val', 'test']) {
    for (const name of ['bright', 'dark']) {
      for (const copy of ['a', 'b']) await picture(join(folder, part, name, `${copy}.png`), (seed += 1));
    }
  }
  return folder;
}

it('the check finds nothing in data that is sound, and counts it', async () => {
  const report = await check(await twoClasses());
  expect(report.findings).toEqual([]);
  expect(report.parts.train).toEqual({ images: 4, perClass: [2, 2], side: { min: 16, median: 16, max: 16 } });
  expect(report.parts.test.images).toBe(4);
});

it('the check finds the same picture in training and test, even in another file format', async () => {
  const folder = await twoClasses();
  const from = join(folder, 'train/dark/a.png');
  put(join(folder, 'test/dark/copy.tif'), await sharp(from).tiff({ compression: 'lzw' }).toBuffer());
  const report = await check(folder);
  expect(ofKind(report, 'duplicate-across-parts')).toEqual([['test/dark/copy.tif', 'train/dark/a.png']]);
  expect(ofKind(report, 'contradiction')).toEqual([]);
});

it('the check tells copies within a part from copies with another label', async () => {
  const folder = await twoClasses();
  copyFileSync(join(folder, 'train/dark/a.png'), join(folder, 'train/dark/c.png'));
  copyFileSync(join(folder, 'train/bright/b.png'), join(folder, 'train/dark/d.png'));
  const report = await check(folder);
  expect(ofKind(report, 'duplicate')).toEqual([
    ['train/bright/b.png', 'train/dark/d.png'],
    ['train/dark/a.png', 'train/dark/c.png'],
  ]);
  expect(ofKind(report, 'contradiction')).toEqual([['train/bright/b.png', 'train/dark/d.png']]);
});

it('the check names some copies of each part in the message, and all of them beside it', async () => {
  const folder = await twoClasses();
  for (let copy = 0; copy < 30; copy += 1) {
    copyFileSync(join(folder, 'train/dark/a.png'), join(folder, `train/dark/copy${copy}.png`));
  }
  for (const copy of [0, 1]) copyFileSync(join(folder, 'train/dark/a.png'), join(folder, `test/dark/copy${copy}.png`));
  const [found] = (await check(folder)).findings.filter(({ kind }) => kind === 'duplicate-across-parts');
  expect(found?.names).toHaveLength(33);
  expect(found?.message).toMatch(
    /^the same picture is in train and test: (train\/dark\/\w+\.png, ){10}test\/dark\/copy0\.png, test\/dark\/copy1\.png and 21 more$/,
  );
});

it('the check finds groups on both sides of a split that the folder makes', async () => {
  const folder = await twoClasses();
  const rows = ['train', 'val', 'test'].flatMap((split) =>
    ['bright', 'dark'].flatMap((name) =>
      ['a', 'b'].map((copy) => {
        const torn = name === 'dark' && (split === 'train' ? copy === 'a' : split === 'test' && copy === 'b');
        return `${split},${name},${copy}.png,${torn ? 'p1' : `${split}-${name}-${copy}`}`;
      }),
    ),
  );
  put(join(folder, 'manifest.csv'), Buffer.from(['split,class,file,patient', ...rows].join('\n')));
  const report = await check(folder);
  expect(report.groupColumn).toBe('patient');
  expect(ofKind(report, 'group-across-parts')).toEqual([['test/dark/b.png', 'train/dark/a.png']]);
});

it('the check names classes without or with few training images', async () => {
  const folder = await twoClasses();
  for (let copy = 0; copy < 18; copy += 1) await picture(join(folder, `train/dark/n${copy}.png`), 5000 + copy);
  const report = await check(folder);
  expect(report.findings).toMatchObject([{ kind: 'imbalance', severity: 'warning' }]);
  expect(report.findings[0]?.message).toContain('bright has 2 training images, the largest 20');
});

describe('of segmentation', () => {
  async function pairs(foregrounds: readonly number[]): Promise<string> {
    const folder = newFolder();
    for (const [at, foreground] of foregrounds.entries()) {
      await picture(join(folder, `images/${at}.png`), folders * 100 + at);
      await mask(join(folder, `masks/${at}.png`), foreground);
    }
    return folder;
  }

  it('names pictures of 16 bits that use few of them', async () => {
    const data = newFolder();
    for (const part of ['train', 'validation']) {
      for (const [at, name] of ['a', 'b'].entries()) {
        const values = Uint16Array.from({ length: 16 * 12 }, (_, pixel) => 960 + 16 * (pixel + at));
        const raw = { width: 16, height: 12, channels: 1 } as const;
        const png = await sharp(values, { raw }).toColourspace('grey16').png().toBuffer();
        put(join(data, part, name, `${part}.png`), png);
      }
    }
    const [found] = (await check(data)).findings.filter(({ kind }) => kind === 'value-range');
    expect(found?.message).toContain('4 of 4 16-bit pictures hold values 960 to 4032');
    expect(found?.names).toHaveLength(4);
  });

  it('names unreadable files, missing partners, and masks that show nothing or everything', async () => {
    const folder = await pairs([48, 0, 192, 24]);
    put(join(folder, 'images/cut.png'), Buffer.from('no image'));
    await mask(join(folder, 'masks/cut.png'), 5);
    await picture(join(folder, 'images/alone.png'), 7000);
    const report = await check(folder, { task: 'segmentation' });
    expect(ofKind(report, 'unusable').flat().sort()).toEqual(['images/alone.png', 'images/cut.png']);
    expect(ofKind(report, 'empty-mask')).toEqual([['images/1.png']]);
    expect(ofKind(report, 'full-mask')).toEqual([['images/2.png']]);
    expect(report.parts.train.images + report.parts.validation.images).toBe(4);
  });

  it('takes a few files that cannot be used for a warning, and many for an error', async () => {
    const folder = await pairs([48, 20, 24, 30, 31]);
    put(join(folder, 'images/cut.png'), Buffer.from('no image'));
    await mask(join(folder, 'masks/cut.png'), 5);
    const severities = async (): Promise<string[][]> =>
      (await check(folder, { task: 'segmentation' })).findings.map(({ kind, severity }) => [kind, severity]);
    expect(await severities()).toEqual([['unusable', 'warning']]);
    await picture(join(folder, 'images/alone.png'), 7100);
    expect(await severities()).toEqual([
      ['unusable', 'warning'],
      ['unusable', 'warning'],
      ['many-unusable', 'error'],
    ]);
  });

  it('does not take samples of one image, one for each mask, for contradicting copies', async () => {
    const folder = newFolder();
    const list: Record<string, string[]> = {};
    for (const at of [1, 2, 3]) {
      await picture(join(folder, `images/ct_${at}_0.png`), folders * 100 + at);
      for (const name of ['liver', 'spleen'])
        await mask(join(folder, `masks/ct_${at}_0_${name}_000.png`), name.length * at);
      list[`images/ct_${at}_0.png`] = ['liver', 'spleen'].map((name) => `masks/ct_${at}_0_${name}_000.png`);
    }
    put(join(folder, 'image2label_train.json'), Buffer.from(JSON.stringify(list)));
    const report = await check(folder, { task: 'segmentation', eachMask: true });
    expect([report.findings, report.parts.train.images + report.parts.validation.images]).toEqual([[], 6]);
  });

  it('says when there is nothing to learn', async () => {
    const report = await check(await pairs([0, 0, 0, 0]), { task: 'segmentation' });
    expect(report.findings.map(({ kind, severity }) => [kind, severity])).toEqual([
      ['empty-mask', 'warning'],
      ['nothing-to-learn', 'error'],
    ]);
  });

  it('finds one picture with two masks', async () => {
    const folder = await pairs([48, 24, 30, 31]);
    copyFileSync(join(folder, 'images/0.png'), join(folder, 'images/1.png'));
    expect(ofKind(await check(folder, { task: 'segmentation' }), 'contradiction')).toEqual([
      ['images/0.png', 'images/1.png'],
    ]);
  });
});

it('the check gives a changed mask another fingerprint, and the same data the same', async () => {
  const folder = newFolder();
  for (const at of [0, 1, 2]) {
    await picture(join(folder, `images/${at}.png`), 9000 + at);
    await mask(join(folder, `masks/${at}.png`), 20);
  }
  const first = (await check(folder, { task: 'segmentation' })).fingerprint;
  expect((await check(folder, { task: 'segmentation' })).fingerprint).toBe(first);
  await mask(join(folder, 'masks/1.png'), 21);
  expect((await check(folder, { task: 'segmentation' })).fingerprint).not.toBe(first);
});
