import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readClassificationFolder, readSegmentationFolder } from '../../../../../services/datasets/layouts/data-folder';
import type { Sample } from '../../../../../services/datasets/samples/sample';
import { temporaryFolder } from '../../../../support/data';

const root = temporaryFolder();
let count = 0;

/** A folder with empty files at these paths. */
function tree(...paths: string[]): string {
  const folder = join(root, String((count += 1)));
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  return folder;
}

const names = (samples: Sample[]): string[] => samples.map(({ name }) => name);

describe('segmentation folders', () => {
  it('pair images and masks by stem, whatever their extensions', async () => {
    const folder = tree('images/b.jpg', 'images/a.png', 'masks/a.png', 'masks/b_segmentation.png', 'images/.DS_Store');
    const data = await readSegmentationFolder(folder);
    expect(names(data.parts.train)).toEqual(['images/a.png', 'images/b.jpg']);
    expect(data.parts.train[1]?.masks).toEqual([{ paths: [join(folder, 'masks', 'b_segmentation.png')] }]);
    expect(data.problems).toEqual([]);
  });

  it('report missing and extra partners and doubled stems by name', async () => {
    const folder = tree('images/a.png', 'images/a.jpg', 'images/b.png', 'masks/a.png', 'masks/c.png');
    const data = await readSegmentationFolder(folder);
    expect(names(data.parts.train)).toEqual(['images/a.png']);
    expect(data.problems.map(({ name }) => name).sort()).toEqual(['images/a.jpg', 'images/b.png', 'masks/c.png']);
  });

  it('leave out images and masks of one stem where no whole name is the same, as one problem that names all', async () => {
    const folder = tree(
      'images/a.bmp',
      'images/a.jpg',
      'masks/a.png',
      'images/b.png',
      'masks/b_mask.png',
      'masks/b_seg.png',
    );
    const data = await readSegmentationFolder(folder);
    expect(data.parts.train).toEqual([]);
    expect(data.problems.map(({ name }) => name)).toEqual([
      'images/a.bmp and images/a.jpg and masks/a.png',
      'images/b.png and masks/b_mask.png and masks/b_seg.png',
    ]);
  });

  it('keep a mask for the image of its own stem, whatever its ending', async () => {
    const data = await readSegmentationFolder(tree('images/a.png', 'images/a_gt.png', 'masks/a.png', 'masks/a_gt.png'));
    expect(data.problems).toEqual([]);
    expect(data.parts.train.map(({ masks }) => basename(masks?.[0]?.paths[0] ?? ''))).toEqual(['a.png', 'a_gt.png']);
  });

  it('may name another folder of masks', async () => {
    const folder = tree('images/a.png', 'masks/a.png', 'masks_cup/a.png');
    const data = await readSegmentationFolder(folder, { masksDir: 'masks_cup' });
    expect(data.parts.train[0]?.masks).toEqual([{ paths: [join(folder, 'masks_cup', 'a.png')] }]);
  });

  it('may have a folder of masks for each of several structures, and need a mask in all of them', async () => {
    const folder = tree('images/a.png', 'images/b.png', 'masks/a.png', 'masks/b.png', 'masks_cup/a_mask.png');
    const data = await readSegmentationFolder(folder, { masksDir: 'masks', furtherMasksDirs: ['masks_cup'] });
    expect(data.parts.train).toMatchObject([
      { masks: [{ paths: [join(folder, 'masks', 'a.png')] }, { paths: [join(folder, 'masks_cup', 'a_mask.png')] }] },
    ]);
    expect(data.problems).toEqual([{ name: 'images/b.png', problem: 'has no mask in masks_cup/', lacks: 'mask' }]);
  });

  it('may be split into train, val and test', async () => {
    const parts = ['train', 'val', 'test'].flatMap((part) => [`${part}/images/a.png`, `${part}/masks/a.png`]);
    const { parts: read } = await readSegmentationFolder(tree(...parts));
    expect([names(read.train), names(read.validation), names(read.test)]).toEqual([
      ['train/images/a.png'],
      ['val/images/a.png'],
      ['test/images/a.png'],
    ]);
  });

  it('take groups from the manifest', async () => {
    const folder = tree('images/a.png', 'masks/a.png');
    writeFileSync(join(folder, 'manifest.csv'), 'name,patient\na,p7\n');
    const data = await readSegmentationFolder(folder);
    expect([data.groupColumn, data.parts.train[0]?.group]).toEqual(['patient', 'p7']);
  });

  it('that are absent or of another layout are refused with a sentence', async () => {
    await expect(readSegmentationFolder(join(root, 'absent'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'data',
    });
    await expect(readSegmentationFolder(tree('pictures/a.png'))).rejects.toMatchObject({
      message: expect.stringMatching(/has no images\//),
    });
    await expect(readSegmentationFolder(tree('benign/a.png', 'malignant/b.png'))).rejects.toMatchObject({
      message: expect.stringMatching(
        /has no images\/.* Its folders benign, malignant look like classes, for classification/,
      ),
    });
    await expect(readSegmentationFolder(tree('images/a.png'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('classification folders', () => {
  it('have one folder per class, in alphabetical order', async () => {
    const data = await readClassificationFolder(tree('b/1.png', 'a/1.png', 'a/2.png', 'SOURCE.md'));
    expect(data.classes).toEqual(['a', 'b']);
    expect(data.parts.train.map(({ name, label }) => [name, label])).toEqual([
      ['a/1.png', 0],
      ['a/2.png', 0],
      ['b/1.png', 1],
    ]);
  });

  it('may be split, and take the classes from the training part', async () => {
    const data = await readClassificationFolder(tree('train/a/1.png', 'train/b/1.png', 'test/b/1.png', 'test/c/1.png'));
    expect(data.classes).toEqual(['a', 'b']);
    expect(data.parts.test.map(({ name, label }) => [name, label])).toEqual([['test/b/1.png', 1]]);
    expect(data.problems.map(({ name }) => name)).toEqual(['test/c/1.png']);
  });

  it('with images/ and masks/ are folders for segmentation, and refused', async () => {
    for (const prefix of ['', 'train/']) {
      const folder = tree(`${prefix}images/a.png`, `${prefix}masks/a.png`);
      await expect(readClassificationFolder(folder)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        field: 'data',
        message: expect.stringMatching(/has an images\/, as folders for segmentation do/),
      });
    }
  });

  it('need two classes', async () => {
    await expect(readClassificationFolder(tree('a/1.png'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
