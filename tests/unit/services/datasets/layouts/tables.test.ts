// Layouts that are told by lists: SAM-Med2D's JSON and CSV files.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DataFolder, Sample } from '../../../../../services/datasets/samples/sample';
import { classOfMask } from '../../../../../services/datasets/layouts/sam-med2d';
import { decodeSample } from '../../../../../services/datasets/load/load-samples';
import { readData, type DataSource } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();

const segmentation = (data: string, more: Partial<DataSource> = {}): Promise<DataFolder> =>
  readData({ task: 'segmentation', data, ...more });
const masksOf = (folder: string, { masks = [] }: Sample): string[][] =>
  masks.map(({ paths }) => paths.map((path) => relative(folder, path)));

describe("SAM-Med2D's lists", () => {
  const masks = ['liver_000', 'spleen_000', 'spleen_001'].map((name) => `data_demo/masks/ct_1_20_${name}.png`);
  const folder = writeTree(
    root,
    'images/ct_1_20.png',
    'images/ct_1_21.png',
    'images/ct_2_7.png',
    ...masks.map((path) => path.replace('data_demo/', '')),
    'masks/ct_1_21_liver_000.png',
    'masks/ct_2_7_liver_000.png',
    [
      'image2label_train.json',
      JSON.stringify({
        'data_demo/images/ct_1_20.png': masks,
        'data_demo/images/ct_1_21.png': ['data_demo/masks/ct_1_21_liver_000.png'],
        'data_demo/images/ct_9_9.png': ['data_demo/masks/ct_9_9_liver_000.png'],
      }),
    ],
    [
      'label2image_test.json',
      JSON.stringify({ 'data_demo/masks/ct_2_7_liver_000.png': 'data_demo/images/ct_2_7.png' }),
    ],
  );

  it('give one sample for each mask to training on prompts, and keep a case together', async () => {
    const { parts, problems, groupColumn } = await segmentation(folder, { eachMask: true });
    expect(parts.train.map(({ name, group }) => [name, group])).toEqual([
      ['images/ct_1_20.png#ct_1_20_liver_000', 'ct_1'],
      ['images/ct_1_20.png#ct_1_20_spleen_000', 'ct_1'],
      ['images/ct_1_20.png#ct_1_20_spleen_001', 'ct_1'],
      ['images/ct_1_21.png#ct_1_21_liver_000', 'ct_1'],
    ]);
    expect(parts.test.map(({ name }) => name)).toEqual(['images/ct_2_7.png#ct_2_7_liver_000']);
    expect(groupColumn).toBe('case');
    expect(problems).toEqual([{ name: 'data_demo/images/ct_9_9.png', problem: 'is listed but not there' }]);
  });

  it('unite the masks of an image, or those of the classes asked for', async () => {
    const all = await segmentation(folder);
    expect(masksOf(folder, all.parts.train[0]!)).toEqual([masks.map((path) => path.replace('data_demo/', ''))]);
    const two = await segmentation(folder, {
      structures: [
        { name: 'Leber', masks: 'liver' },
        { name: 'Milz', masks: 'spleen' },
      ],
    });
    expect(two.parts.train.map((sample) => masksOf(folder, sample))).toEqual([
      [['masks/ct_1_20_liver_000.png'], ['masks/ct_1_20_spleen_000.png', 'masks/ct_1_20_spleen_001.png']],
    ]);
    expect(two.notes).toEqual([expect.stringMatching(/^2 images without a mask of liver and spleen are left out$/)]);
  });

  it('name the classes that there are when another is asked for', async () => {
    await expect(segmentation(folder, { masksDir: 'kidney' })).rejects.toMatchObject({
      field: 'structures',
      message: expect.stringMatching(/liver, spleen/),
    });
    const structures = ['liver', 'spleen'].map((name) => ({ name, masks: name }));
    await expect(segmentation(folder, { eachMask: true, structures })).rejects.toMatchObject({ field: 'structures' });
  });

  it('are refused when they are something else', async () => {
    const broken = writeTree(root, ['image2label_train.json', '{"a": 1}']);
    await expect(segmentation(broken)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'data' });
    const text = writeTree(root, ['image2label_train.json', 'no json']);
    await expect(segmentation(text)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'data' });
  });

  it('tell what a mask shows by its name', () => {
    expect(classOfMask('masks/s0114_111_rib_left_9_000.png', 'images/s0114_111.png')).toBe('rib_left_9');
    expect(classOfMask('masks/other_000.png', 'images/s0114_111.png')).toBe('other');
  });

  const demo = join(process.env.AUTOMED_TEST_DATA ?? '../shared/data', 'sam_med2d_demo', 'data_demo');
  (existsSync(demo) ? it : it.skip)(`read the authors' own demonstration (needs ${demo})`, async () => {
    const each = await segmentation(demo, { eachMask: true });
    expect([each.parts.train.length, each.parts.test.length, each.problems]).toEqual([19, 11, []]);
    const { masks: liver } = await decodeSample(each.parts.train.find(({ name }) => name.endsWith('_liver_000'))!);
    expect(liver!.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(1000);
    const united = await segmentation(demo);
    expect(united.parts.train.map(({ group }) => group)).toEqual(['amos_0006', 's0114']);
  });
});

describe('a CSV file', () => {
  const rows = [
    'image,mask,diagnosis,split,patient',
    'a/1.png,m/1.png,polyp,train,p1',
    'a/2.png,m/2.png,adenoma,train,p1',
    'a/3.png,m/3.png,polyp,val,p2',
    'a/4.png,m/4.png,polyp,Testing,p3',
  ];

  it('names images with their masks, parts and groups', async () => {
    const folder = writeTree(root, ['list.csv', rows.join('\n')]);
    const data = await segmentation(join(folder, 'list.csv'));
    expect(data).toMatchObject({ layout: 'csv', groupColumn: 'patient', problems: [] });
    expect([data.parts.train.length, data.parts.validation.length, data.parts.test.length]).toEqual([2, 1, 1]);
    expect(data.parts.train[0]).toEqual({
      name: 'a/1.png',
      imagePath: join(folder, 'a/1.png'),
      masks: [{ paths: [join(folder, 'm/1.png')] }],
      group: 'p1',
    });
    expect(await segmentation(folder, { layout: 'csv' })).toEqual(data);
  });

  it('names images with their classes', async () => {
    const folder = writeTree(root, ['list.csv', rows.join('\n')]);
    const data = await readData({ task: 'classification', data: folder, layout: 'csv' });
    expect(data.classes).toEqual(['adenoma', 'polyp']);
    expect(data.parts.train.map(({ label }) => label)).toEqual([1, 0]);
  });

  it('may call its columns anything, and have one of masks for each structure', async () => {
    const text = 'bild,scheibe,grube,auge\n1.png,d1.png,c1.png,links\n2.png,d2.png,,rechts\n';
    const folder = writeTree(root, ['list.csv', text]);
    const data = await segmentation(folder, {
      layout: 'csv',
      columns: { image: 'bild', group: 'auge' },
      structures: [
        { name: 'disc', masks: 'scheibe' },
        { name: 'cup', masks: 'grube' },
      ],
    });
    expect(data.parts.train.map((sample) => masksOf(folder, sample))).toEqual([[['d1.png'], ['c1.png']]]);
    expect(data.problems).toEqual([{ name: '2.png', problem: 'has no mask', lacks: 'mask' }]);
    expect(data.parts.train[0]?.group).toBe('links');
  });

  it('stays in its folder', async () => {
    const text =
      'image,mask\n../secret.png,1.png\n/etc/passwd,1.png\na/../../x.png,1.png\n,1.png\nok.png,../m.png\nok.png,m.png\n';
    const { parts, problems } = await segmentation(writeTree(root, ['list.csv', text]), { layout: 'csv' });
    expect(parts.train).toEqual([]);
    expect(problems.map(({ name }) => name)).toEqual([
      '../secret.png',
      '/etc/passwd',
      'a/../../x.png',
      'row 5',
      'ok.png',
      'ok.png',
    ]);
  });

  it('says which columns there are when one is missing, and which parts exist', async () => {
    const folder = writeTree(root, ['list.csv', 'picture,mask\n1.png,2.png\n']);
    await expect(segmentation(folder, { layout: 'csv' })).rejects.toMatchObject({
      field: 'columns.image',
      message: expect.stringMatching(/picture, mask/),
    });
    const part = writeTree(root, ['list.csv', 'image,mask,part\n1.png,2.png,holdout\n']);
    await expect(segmentation(part, { layout: 'csv' })).rejects.toMatchObject({
      message: expect.stringMatching(/Row 2 .* "holdout"/),
    });
    const none = writeTree(root, 'a.png');
    await expect(segmentation(none, { layout: 'csv' })).rejects.toMatchObject({
      message: expect.stringMatching(/no CSV file/),
    });
  });
});
