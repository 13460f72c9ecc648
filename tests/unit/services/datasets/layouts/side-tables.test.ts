// Tables beside the images of published data sets, as people edit and export them.

import { readData, type DataSource } from '../../../../../services/datasets/layouts/read-data';
import type { DataFolder } from '../../../../../services/datasets/samples/sample';
import { temporaryFolder } from '../../../../support/data';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const images = [...Array(6).keys()].map((at) => `ISIC_${at}`);

const read = (task: DataSource['task'], ...files: (string | [string, string])[]): Promise<DataFolder> =>
  readData({ task, data: writeTree(root, ...files) });
const tables = ({ findings = [] }: DataFolder): string[] =>
  findings.flatMap(({ kind, severity, message }) => (kind === 'group-table' ? `${severity}: ${message}` : []));
const classOf = ({ parts, classes }: DataFolder): (string | undefined)[] =>
  parts.train.map(({ label = -1 }) => classes[label]);

describe('the table of HAM10000', () => {
  const files = images.map((name) => `HAM10000_images_part_1/${name}.jpg`);
  const metadata = (...rows: string[]): [string, string] => ['HAM10000_metadata.csv', rows.join('\n')];
  const rows = images.map((name, at) => `HAM_${at},${name},${at % 2 ? 'nv' : 'mel'}`);
  const head = 'lesion_id,image_id,dx';

  it('is an error where two rows of an image contradict each other', async () => {
    expect(tables(await read('classification', ...files, metadata(head, ...rows, rows[0]!)))).toEqual([]);
    for (const row of ['HAM_0,ISIC_0,nv', 'HAM_9,ISIC_0,mel']) {
      expect(tables(await read('classification', ...files, metadata(head, ...rows, row)))).toEqual([
        'error: 1 image has rows in HAM10000_metadata that contradict each other (ISIC_0)',
      ]);
    }
  });

  it('may spell its columns in any case, and says nothing where it says nan', async () => {
    const data = await read(
      'classification',
      ...files,
      metadata('Lesion ID,IMAGE_ID,Dx', ...rows.map((row) => row.replace('HAM_5', 'nan'))),
    );
    expect(data.parts.train.map(({ group }) => group)).toEqual([
      'HAM_0',
      'HAM_1',
      'HAM_2',
      'HAM_3',
      'HAM_4',
      undefined,
    ]);
  });

  it('leaves masks without an image to be counted', async () => {
    const masks = [...images, 'ISIC_9'].map(
      (name) => `HAM10000_segmentations_lesion_tschandl/${name}_segmentation.png`,
    );
    const { findings } = await read('segmentation', ...files, ...masks, metadata(head, ...rows));
    expect(findings).toMatchObject([
      { kind: 'not-read', message: expect.stringMatching(/^1 of 7 masks has no image/) },
    ]);
  });
});

describe('the tables of ISIC', () => {
  const of2018 = (...rows: string[]): Promise<DataFolder> =>
    read('classification', ...images.map((name) => `ISIC2018_Task3_Training_Input/${name}.jpg`), [
      'ISIC2018_Task3_Training_GroundTruth.csv',
      rows.join('\n'),
    ]);
  const of2017 = (...rows: string[]): Promise<DataFolder> =>
    read('classification', ...images.map((name) => `ISIC-2017_Training_Data/${name}.jpg`), [
      'ISIC-2017_Training_Part3_GroundTruth.csv',
      rows.join('\n'),
    ]);
  const turns = ['MEL', 'NV', 'MEL', 'NV', 'MEL', 'NV'];

  it.each([
    ['other columns beside the classes', (name: string, at: number) => `1,${name},${1 - (at % 2)},${at % 2},1.0`],
    ['answers in words', (name: string, at: number) => `1,${name},${at % 2 ? 'False,True' : 'True,False'},1.0`],
  ])('may have %s', async (_, row) => {
    const data = await of2018('fold,image,MEL,NV,score_weight', ...images.map(row));
    expect([data.classes, classOf(data)]).toEqual([['MEL', 'NV'], turns]);
  });

  it('may have decimal commas', async () => {
    const data = await of2018('image;MEL;NV', ...images.map((name, at) => `${name};${at % 2 ? '0,0;1,0' : '1,0;0,0'}`));
    expect(classOf(data)).toEqual(turns);
  });

  it('give no class to an image of none or two, and say so', async () => {
    const row = (name: string, at: number): string =>
      `${name},${at === 0 ? '0,0' : at === 1 ? '1,1' : at % 2 ? '0,1' : '1,0'},1`;
    const data = await of2018('image,MEL,NV,weight', ...images.map(row));
    expect([data.classes, data.problems.length]).toEqual([['MEL', 'NV'], 2]);
    expect(tables(data)).toEqual([
      expect.stringContaining('2 rows of ISIC2018_Task3_Training_GroundTruth.csv name no class or several'),
    ]);
  });

  it('call a lesion a nevus only where both questions are answered', async () => {
    const head = 'image_id,melanoma,seborrheic_keratosis';
    const data = await of2017(
      head,
      ...images.map((name, at) => `${name},${['1,0', '0,1', '0.0,0.0', ',', '0,', 'x,y'][at]}`),
    );
    expect(classOf(data)).toEqual(['melanoma', 'seborrheic_keratosis', 'nevus']);
    expect(data.problems).toHaveLength(3);
    await expect(of2017('image_id,seborrheic_keratosis', ...images.map((name) => `${name},0`))).rejects.toMatchObject({
      message: expect.stringContaining('not both of melanoma and seborrheic_keratosis'),
    });
  });

  it('of 2016 may have a header and capitals', async () => {
    const data = await read(
      'classification',
      ...images.map((name) => `ISBI2016_ISIC_Part3_Training_Data/${name}.jpg`),
      [
        'ISBI2016_ISIC_Part3_Training_GroundTruth.csv',
        [
          'image,label',
          ...images.map((name, at) => `${name},${['Malignant', 'benign', '1', '0.0', '1.0', 'Benign'][at]}`),
        ].join('\n'),
      ],
    );
    expect(classOf(data)).toEqual(['malignant', 'benign', 'malignant', 'benign', 'malignant', 'benign']);
  });

  it('of lesions may contradict each other, which is an error, and must name lesions', async () => {
    const head = 'image,MEL,NV';
    const rows = images.map((name, at) => `${name},${1 - (at % 2)},${at % 2}`);
    const grouped = (text: string): Promise<DataFolder> =>
      read(
        'classification',
        ...images.map((name) => `ISIC2018_Task3_Training_Input/${name}.jpg`),
        ['ISIC2018_Task3_Training_GroundTruth.csv', [head, ...rows].join('\n')],
        ['ISIC2018_Task3_Training_LesionGroupings.csv', text],
      );
    const lesions = images.map((name, at) => `${name},HAM_${at >> 1}`);
    const data = await grouped(['Image,Lesion', ...lesions].join('\n'));
    expect(data.parts.train.map(({ group }) => group)).toEqual(['HAM_0', 'HAM_0', 'HAM_1', 'HAM_1', 'HAM_2', 'HAM_2']);
    expect(tables(await grouped(['image,lesion_id', ...lesions, 'ISIC_0,HAM_9'].join('\n')))).toEqual([
      'error: 1 image has rows in the table of lesions that contradict each other (ISIC_0)',
    ]);
    await expect(grouped(['image,type', ...lesions].join('\n'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('the table of CVC-ClinicDB', () => {
  const frames = [1, 2, 3, 4];
  const cvc = (...rows: string[]): Promise<DataFolder> =>
    read('segmentation', ...frames.flatMap((at) => [`PNG/Original/${at}.png`, `PNG/Ground Truth/${at}.png`]), [
      'metadata.csv',
      rows.join('\n'),
    ]);
  const groups = ({ parts }: DataFolder): (string | undefined)[] => parts.train.map(({ group }) => group);

  it.each([
    ['floats', (at: number) => `${at}.0,s${at}`],
    ['zeros', (at: number) => `000${at},s${at}`],
  ])('may number its frames with %s', async (_, row) => {
    const data = await cvc('Frame_ID,Sequence_ID', ...frames.map(row));
    expect([groups(data), tables(data)]).toEqual([['s1', 's2', 's3', 's4'], []]);
  });

  it('says that it is not read where it has other columns', async () => {
    const data = await cvc('picture,video', ...frames.map((at) => `${at},s${at}`));
    expect([groups(data), tables(data)]).toEqual([
      ['1', '1', '1', '1'],
      [
        'warning: metadata.csv has the columns picture, video, and not frame_id and sequence_id: the published sequences are taken',
      ],
    ]);
  });
});

it('reads the validation part of Brain Tumor MRI', async () => {
  const files = ['Training', 'Validation', 'Testing'].flatMap((part) => [
    `${part}/glioma/${part}1.jpg`,
    `${part}/notumor/${part}2.jpg`,
  ]);
  const { parts } = await read('classification', ...files);
  expect([parts.train.length, parts.validation.length, parts.test.length]).toEqual([2, 2, 2]);
});

it("counts what SAM-Med2D's lists leave out", async () => {
  const list = JSON.stringify({ 'images/a_1.png': ['masks/a_1_liver_000.png'] });
  const files = ['images/a_1.png', 'images/b_1.png', 'masks/a_1_liver_000.png', 'masks/b_1_liver_000.png'];
  const { findings } = await read('segmentation', ...files, ['image2label_train.json', list]);
  expect(findings).toMatchObject([
    { kind: 'not-read', severity: 'warning', names: ['images/b_1.png', 'masks/b_1_liver_000.png'] },
  ]);
});

describe('a CSV file', () => {
  const table = async (text: string, task: DataSource['task'] = 'classification'): Promise<DataFolder> => {
    const folder = writeTree(root, ...images.map((name) => `${name}.png`), 'm0.png', 'm1.png', ['cases.csv', text]);
    return readData({ task, data: `${folder}/cases.csv` });
  };
  const rows = (row: (name: string, at: number) => string): string => images.map(row).join('\n');
  const said = ({ findings = [] }: DataFolder): string[] =>
    findings.map(({ severity, message }) => `${severity}: ${message}`);

  it('is an error where rows contradict each other, and may repeat itself', async () => {
    const text = `image,label,patient,split\n${rows((name, at) => `${name}.png,${at % 2},p${at},train`)}\n`;
    expect(said(await table(`${text}ISIC_0.png,0,P0,train`))).not.toContainEqual(expect.stringMatching(/^error/));
    for (const row of ['1,p0,train', '0,p1,train', '0,p0,test']) {
      expect(said(await table(`${text}ISIC_0.png,${row}`))).toContain(
        'error: 1 image has rows in the table that contradict each other (ISIC_0.png)',
      );
    }
  });

  it('has no class named nan, and finds people under further names', async () => {
    const data = await table(
      `image,label,Pat ID\n${rows((name, at) => `${name}.png,${at === 0 ? 'nan' : at % 2},p${at}`)}`,
    );
    expect([data.classes, data.groupColumn, data.problems]).toEqual([
      ['0', '1'],
      'Pat ID',
      [{ name: 'ISIC_0.png', problem: 'has no class' }],
    ]);
  });

  it('says which other groups a split may tear', async () => {
    const data = await table(
      `image,label,sequence,patient\n${rows((name, at) => `${name}.png,${at % 2},s${at},p${at >> 1}`)}`,
    );
    expect(tables(data)).toContainEqual(expect.stringContaining('the table has the columns sequence and patient'));
  });

  it('says that images share a mask', async () => {
    const data = await table(`image,mask\n${rows((name, at) => `${name}.png,m${at < 3 ? 0 : 1}.png`)}`, 'segmentation');
    expect(said(data)).toContainEqual(
      expect.stringMatching(/^warning: 6 images have a mask file that is another one's/),
    );
  });

  it('names the reason where no row can be used', async () => {
    await expect(table(`image,label\n${rows((name, at) => `/data/${name}.png,${at % 2}`)}`)).rejects.toMatchObject({
      message: expect.stringContaining('row 2 of the table names no image below the table (6 rows)'),
    });
  });
});
