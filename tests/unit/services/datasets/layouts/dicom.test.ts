// DICOM files that the test writes, in folders as archives export them.

import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { encodeMaskPng } from '../../../../../services/imaging/mask';
import { checkData } from '../../../../../services/checks/check-data';
import type { DataFolder } from '../../../../../services/datasets/samples/sample';
import { decodeSample } from '../../../../../services/datasets/load/load-samples';
import { listSamples } from '../../../../../services/datasets/split/divide';
import { readData, type DataSource } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { greyDicom, segmentationDicom } from '../../../../support/dicom';
import { SIDE, SIZE, slice } from '../../../../support/dicom-slices';
import { discImage } from '../../../../support/stack-images';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const read = (data: string, more: Partial<DataSource> = {}): Promise<DataFolder & { layout: string }> =>
  readData({ task: 'classification', data, ...more });
const mask = (...foreground: number[]): Promise<Buffer> =>
  encodeMaskPng(
    Uint8Array.from({ length: SIZE }, (_, at) => (foreground.includes(at) ? 1 : 0)),
    SIDE,
    SIDE,
  );
const names = ({ parts }: DataFolder): string[] => Object.values(parts).flatMap((part) => part.map(({ name }) => name));
const pseudonym = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 16);

describe('classification', () => {
  const folder = writeTree(
    root,
    ['benign/patient1/study/IM0001', slice()],
    ['benign/patient1/study/IM0002', slice()],
    ['benign/2.dcm', slice({ patient: 'P2' })],
    ['malign/3.DCM', slice({ patient: 'P3' })],
    ['malign/1.2.840.4', slice({ patient: '', study: '1.9' })],
    ['malign/notes.txt', 'not listed'],
    ['DICOMDIR', 'not listed'],
  );

  it('is one folder per class, whatever the files are called and however deep they lie', async () => {
    const data = await read(folder);
    expect(data).toMatchObject({ layout: 'dicom', classes: ['benign', 'malign'], problems: [], notes: [] });
    expect(data.parts.train.map(({ name, label }) => [name, label])).toEqual([
      ['benign/2.dcm', 0],
      ['benign/patient1/study/IM0001', 0],
      ['benign/patient1/study/IM0002', 0],
      ['malign/1.2.840.4', 1],
      ['malign/3.DCM', 1],
    ]);
  });

  it('keeps a patient together, and a study where no patient is named', async () => {
    const { parts, groupColumn } = await read(folder);
    expect(groupColumn).toBe('PatientID');
    expect(parts.train.map(({ group }) => group)).toEqual(['P2', 'P1', 'P1', '1.9', 'P3'].map(pseudonym));
  });

  it('groups by what is asked for', async () => {
    const { parts, groupColumn } = await read(folder, { groupColumn: 'StudyInstanceUID' });
    expect(groupColumn).toBe('StudyInstanceUID');
    expect(new Set(parts.train.map(({ group }) => group))).toEqual(
      new Set(['1.2.31', '1.2.32', '1.2.33', '1.9'].map(pseudonym)),
    );
    await expect(read(folder, { groupColumn: 'site' })).rejects.toMatchObject({ field: 'groupColumn' });
  });

  it('never splits a patient', async () => {
    const files = Array.from({ length: 24 }, (_, index): [string, Buffer] => [
      `${index % 2 ? 'a' : 'b'}/${index}.dcm`,
      slice({ patient: `P${Math.floor(index / 4)}` }),
    ]);
    for (const seed of [1, 2, 3]) {
      const { parts } = await listSamples({
        task: 'classification',
        data: writeTree(root, ...files),
        masksDir: undefined,
        groupColumn: undefined,
        validationFraction: 0.3,
        seed,
        strict: false,
      });
      const [train, validation] = [parts.train, parts.validation].map((part) => part.map(({ group }) => group));
      expect(validation?.length).toBeGreaterThan(0);
      expect(train?.filter((group) => validation?.includes(group))).toEqual([]);
    }
  });

  it('takes groups from manifest.csv where it gives them', async () => {
    const data = await read(
      writeTree(
        root,
        ['a/1.dcm', slice()],
        ['b/2.dcm', slice({ patient: 'P2' })],
        ['manifest.csv', 'name,patient\n1.dcm,one\n2.dcm,two\n'],
      ),
    );
    expect(data).toMatchObject({ groupColumn: 'patient' });
    expect(data.parts.train.map(({ group }) => group)).toEqual(['one', 'two']);
  });

  it('keeps studies together, and says so, where all files bear one patient id', async () => {
    const data = await read(
      writeTree(root, ['a/1.dcm', slice({ study: '1.1' })], ['b/2.dcm', slice({ study: '1.2' })]),
    );
    expect(data.groupColumn).toBe('StudyInstanceUID');
    expect(data.notes).toEqual([expect.stringContaining('every DICOM file bears the same patient id')]);
    expect(data.parts.train.map(({ group }) => group)).toEqual(['1.1', '1.2'].map(pseudonym));
  });

  it('reads train/, val/ and test/, and other pictures beside DICOM', async () => {
    const { png } = await discImage(SIDE, SIDE, 1);
    const data = await read(
      writeTree(
        root,
        ['train/a/1.dcm', slice()],
        ['train/b/2.png', png],
        ['val/a/3.dcm', slice({ patient: 'P2' })],
        ['test/b/4.dcm', slice({ patient: 'P3' })],
        ['test/c/5.dcm', slice({ patient: 'P4' })],
      ),
    );
    expect(names(data)).toEqual(['train/a/1.dcm', 'train/b/2.png', 'val/a/3.dcm', 'test/b/4.dcm']);
    expect(data.problems).toEqual([{ name: 'test/c/5.dcm', problem: 'its class c is not among the training classes' }]);
  });

  it('makes a sample of each frame, all in one group', async () => {
    const data = await read(
      writeTree(root, ['a/cine.dcm', slice({ frames: 12 })], ['b/still.dcm', slice({ patient: 'P2' })]),
    );
    expect(names(data)).toHaveLength(13);
    expect(names(data).slice(0, 2)).toEqual(['a/cine.dcm#01', 'a/cine.dcm#02']);
    expect(new Set(data.parts.train.slice(0, 12).map(({ group }) => group)).size).toBe(1);
    const [first, second] = await Promise.all(data.parts.train.slice(0, 2).map(decodeSample));
    expect(first?.pixels.data).not.toEqual(second?.pixels.data);
    expect(first?.digest).not.toBe(second?.digest);
  });

  it('names files that cannot be used, and what is wrong, but nobody', async () => {
    const whole = slice();
    const folder = writeTree(
      root,
      ['a/1.dcm', slice()],
      ['b/2.dcm', slice({ patient: 'P2' })],
      ['a/cut.dcm', whole.subarray(0, whole.length - 20)],
      ['a/report.dcm', greyDicom({ width: 1, height: 1, values: [0], more: { '00280010': ['US', []] } })],
      ['b/text.dcm', 'no DICOM'],
    );
    const data = await read(folder);
    const { findings } = await checkData(data);
    expect(findings.filter(({ kind }) => kind === 'unusable').map(({ message }) => message)).toEqual([
      'a/report.dcm: The DICOM header has no rows.',
      'b/text.dcm: This is no DICOM file.',
      'a/cut.dcm: The DICOM file is damaged or cut short.',
    ]);
    expect(JSON.stringify([data, findings])).not.toMatch(/Doe|Jane|"P[0-9]"/);
  });

  it('finds the same picture in two encodings', async () => {
    const values = Array.from({ length: SIZE }, (_, at) => at * 5);
    const { findings } = await checkData(
      await read(
        writeTree(
          root,
          ['a/1.dcm', slice({ values, patient: 'P1' })],
          ['a/2.dcm', slice({ values, patient: 'P2', syntax: '1.2.840.10008.1.2.2' })],
          ['b/3.dcm', slice({ patient: 'P3' })],
        ),
      ),
    );
    expect(findings.find(({ kind }) => kind === 'duplicate')?.names).toEqual(['a/1.dcm', 'a/2.dcm']);
  });
});

describe('segmentation', () => {
  const segmentation = (data: string, more: Partial<DataSource> = {}): Promise<DataFolder & { layout: string }> =>
    read(data, { task: 'segmentation', ...more });

  it('pairs images with pictures of their path and stem', async () => {
    const folder = writeTree(
      root,
      ['images/p1/1.dcm', slice()],
      ['images/p2/1.dcm', slice({ patient: 'P2' })],
      ['images/p2/2', slice({ patient: 'P2' })],
      ['images/p3/lost.dcm', slice({ patient: 'P3' })],
      ['masks/p1/1.png', await mask(1)],
      ['masks/p2/1_mask.png', await mask(2, 3)],
      ['masks/p2/2.png', await mask()],
      ['masks/p9/1.png', await mask()],
    );
    const data = await segmentation(folder);
    expect(data.parts.train.map(({ name, masks = [] }) => [name, relative(folder, masks[0]?.paths[0] ?? '')])).toEqual([
      ['images/p1/1.dcm', 'masks/p1/1.png'],
      ['images/p2/1.dcm', 'masks/p2/1_mask.png'],
      ['images/p2/2', 'masks/p2/2.png'],
    ]);
    expect(data.problems).toEqual([
      { name: 'images/p3/lost.dcm', problem: 'has no mask in masks/', lacks: 'mask' },
      { name: 'masks/p9/1.png', problem: 'has no image in images/ beside masks/', lacks: 'image' },
    ]);
    const { masks } = await decodeSample(data.parts.train[1]!);
    expect([...masks!].flatMap((value, at) => (value ? [at] : []))).toEqual([2, 3]);
  });

  it('takes masks from a DICOM segmentation by the images that its frames name, not by their order', async () => {
    const folder = writeTree(
      root,
      ['images/1.dcm', slice({ uid: '1.1' })],
      ['images/2.dcm', slice({ uid: '1.2' })],
      ['images/3.dcm', slice({ uid: '1.3' })],
      ['images/4.dcm', slice({ uid: '1.4' })],
      [
        'masks/anything.dcm',
        segmentationDicom({
          width: SIDE,
          height: SIDE,
          looked: ['1.1', '1.2', '1.3'],
          frames: [
            { of: '1.3', foreground: [5] },
            { of: '1.1', foreground: [7, 9] },
            { of: '1.1', foreground: [63] },
          ],
        }),
      ],
    );
    const data = await segmentation(folder);
    expect(data.problems).toEqual([{ name: 'images/4.dcm', problem: 'has no mask in masks/', lacks: 'mask' }]);
    const drawn = await Promise.all(data.parts.train.map(async (sample) => (await decodeSample(sample)).masks!));
    expect(drawn.map((each) => [...each].flatMap((value, at) => (value ? [at] : [])))).toEqual([[7, 9, 63], [], [5]]);
  });

  it('takes each frame of an image from the frame of the segmentation that names it', async () => {
    const segmentationOf = segmentationDicom({
      width: SIDE,
      height: SIDE,
      looked: ['1.1'],
      frames: [
        { of: '1.1', frame: 2, foreground: [1] },
        { of: '1.1', frame: 1, foreground: [2] },
      ],
    });
    const data = await segmentation(
      writeTree(root, ['images/v.dcm', slice({ uid: '1.1', frames: 3 })], ['masks/s.dcm', segmentationOf]),
    );
    const drawn = await Promise.all(data.parts.train.map(async (sample) => (await decodeSample(sample)).masks!));
    expect(drawn.map((each) => each.indexOf(1))).toEqual([2, 1, -1]);
  });

  it('names a second mask of one image, and reads the first', async () => {
    const folder = writeTree(
      root,
      ['images/1.dcm', slice()],
      ['masks/1.png', await mask(1)],
      ['masks/1_mask.png', await mask(2)],
    );
    const { parts, problems } = await segmentation(folder);
    expect(relative(folder, parts.train[0]?.masks?.[0]?.paths[0] ?? '')).toBe('masks/1.png');
    expect(problems).toEqual([
      { name: 'masks/1_mask.png', problem: 'is not read: masks/1.png is the mask of the same image' },
    ]);
  });

  it('leaves out images of one name, and masks of one image, where nothing tells which is meant', async () => {
    const folder = writeTree(
      root,
      ['images/1.dcm', slice()],
      ['images/1', slice()],
      ['images/2.dcm', slice()],
      ['images/3.dcm', slice()],
      ['masks/1.png', await mask(1)],
      ['masks/2.png', await mask(2)],
      ['masks/2.jpg', await mask(3)],
      ['masks/3.png', await mask(4)],
    );
    const { parts, problems } = await segmentation(folder);
    expect(parts.train.map(({ name }) => name)).toEqual(['images/3.dcm']);
    expect(problems.map(({ name }) => name).sort()).toEqual([
      'images/1',
      'images/1.dcm',
      'images/2.dcm',
      'masks/2.jpg and masks/2.png',
    ]);
  });

  it('refuses one picture as the mask of several frames', async () => {
    const data = await segmentation(
      writeTree(root, ['images/v.dcm', slice({ frames: 2 })], ['masks/v.png', await mask(1)]),
    );
    expect(data.parts.train).toEqual([]);
    expect(data.problems[0]).toEqual({
      name: 'images/v.dcm#1',
      problem: expect.stringContaining('only a DICOM segmentation can say whose'),
    });
  });

  it('reads several structures from several folders', async () => {
    const data = await segmentation(
      writeTree(root, ['images/1.dcm', slice()], ['liver/1.png', await mask(1)], ['spleen/1.png', await mask(2)]),
      { structures: ['liver', 'spleen'].map((name) => ({ name, masks: name })) },
    );
    const { masks } = await decodeSample(data.parts.train[0]!);
    expect([masks!.indexOf(1), masks!.indexOf(1, SIZE)]).toEqual([1, SIZE + 2]);
  });
});

test('a CSV file names DICOM files, whose headers tell patients and frames where it does not', async () => {
  const folder = writeTree(
    root,
    ['x/1.dcm', slice()],
    ['x/2.dcm', slice({ patient: 'P2', frames: 2 })],
    ['x/3.dcm', 'no DICOM'],
    ['cases.csv', 'image,label\nx/1.dcm,even\nx/2.dcm,odd\nx/3.dcm,odd\n'],
    ['grouped.csv', 'image,label,group\nx/1.dcm,even,g1\nx/2.dcm,odd,g2\n'],
  );
  const data = await read(join(folder, 'cases.csv'));
  expect(data).toMatchObject({ layout: 'csv', groupColumn: 'PatientID', classes: ['even', 'odd'] });
  expect(data.parts.train.map(({ name, group }) => [name, group])).toEqual([
    ['x/1.dcm', pseudonym('P1')],
    ['x/2.dcm#1', pseudonym('P2')],
    ['x/2.dcm#2', pseudonym('P2')],
  ]);
  expect(data.problems).toEqual([{ name: 'x/3.dcm', problem: 'This is no DICOM file.' }]);
  const grouped = await read(join(folder, 'grouped.csv'));
  expect(grouped.groupColumn).toBe('group');
  expect(grouped.parts.train.map(({ group }) => group)).toEqual(['g1', 'g2', 'g2']);
});

test('a CSV file may name DICOM files without extension, and other pictures without', async () => {
  const { png } = await discImage(SIDE, SIDE, 1);
  const folder = writeTree(
    root,
    ['x/IM1', slice()],
    ['x/IM2', slice({ patient: 'P2', frames: 2 })],
    ['x/picture', png],
    ['cases.csv', 'image,label\nx/IM1,even\nx/IM2,odd\nx/picture,odd\n'],
  );
  const data = await read(join(folder, 'cases.csv'));
  expect(data.parts.train.map(({ name, group }) => [name, group])).toEqual([
    ['x/IM1', pseudonym('P1')],
    ['x/IM2#1', pseudonym('P2')],
    ['x/IM2#2', pseudonym('P2')],
    ['x/picture', undefined],
  ]);
  expect(data).toMatchObject({ groupColumn: 'PatientID', problems: [] });
});

test('a CSV file of pictures without extension is grouped by nothing', async () => {
  const { png } = await discImage(SIDE, SIDE, 1);
  const folder = writeTree(root, ['1', png], ['2', png], ['cases.csv', 'image,label\n1,a\n2,b\n']);
  expect(await read(join(folder, 'cases.csv'))).toMatchObject({ groupColumn: undefined, notes: [], problems: [] });
});

test('a CSV file cannot give several frames one picture as mask, but a DICOM segmentation', async () => {
  const frames = [
    { of: '1.1', frame: 2, foreground: [1] },
    { of: '1.1', frame: 1, foreground: [2] },
  ];
  const folder = writeTree(
    root,
    ['v.dcm', slice({ uid: '1.1', frames: 2 })],
    ['w.dcm', slice({ uid: '1.2', frames: 2 })],
    ['v.seg', segmentationDicom({ width: SIDE, height: SIDE, looked: ['1.1'], frames })],
    ['w.png', await mask(1)],
    ['cases.csv', 'image,mask\nv.dcm,v.seg\nw.dcm,w.png\n'],
  );
  const data = await read(join(folder, 'cases.csv'), { task: 'segmentation' });
  const drawn = await Promise.all(data.parts.train.map(async (sample) => (await decodeSample(sample)).masks!));
  expect(drawn.map((each) => each.indexOf(1))).toEqual([2, 1]);
  const problem = expect.stringContaining('only a DICOM segmentation can say whose') as string;
  expect(data.problems).toEqual([
    { name: 'w.dcm#1', problem },
    { name: 'w.dcm#2', problem },
  ]);
});
