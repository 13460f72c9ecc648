// Two pictures that bear one SOP Instance UID.

import { join } from 'node:path';
import { checkData } from '../../../../services/checks/check-data';
import type { Finding } from '../../../../services/datasets/samples/finding';
import { readData } from '../../../../services/datasets/layouts/read-data';
import type { Task } from '../../../../services/store';
import { temporaryFolder } from '../../../support/data';
import { segmentationDicom } from '../../../support/dicom';
import { SIDE, SIZE, slice } from '../../../support/dicom-slices';
import { writeTree } from '../../../support/tree';

type TreeFile = readonly [path: string, content: string | Buffer];
const root = temporaryFolder();
const found = async (task: Task, files: TreeFile[], table = ''): Promise<Finding[]> => {
  const data = await readData({ task, data: join(writeTree(root, ...files), table) });
  return (await checkData(data)).findings.filter(({ kind }) => kind === 'instance-twice');
};
const drawn = (of: string, at = 5): Buffer =>
  segmentationDicom({ width: SIDE, height: SIDE, looked: [of], frames: [{ of, foreground: [at] }] });
const twins: TreeFile[] = [
  ['images/1.dcm', slice({ uid: '1.1' })],
  ['images/2.dcm', slice({ uid: '1.1', patient: 'P2' })],
  ['images/3.dcm', slice({ uid: '1.3', patient: 'P3' })],
];

test('are an error where a segmentation refers to them', async () => {
  for (const masks of [
    [['masks/1.dcm', drawn('1.1')]],
    [
      ['masks/1.dcm', drawn('1.1')],
      ['masks/2.dcm', drawn('1.1', 9)],
    ],
  ] as TreeFile[][]) {
    const findings = await found('segmentation', [...twins, ...masks, ['masks/3.dcm', drawn('1.3')]]);
    expect(findings).toEqual([
      expect.objectContaining({
        severity: 'error',
        message: expect.stringContaining('images/1.dcm, images/2.dcm bear one SOP Instance UID') as string,
        names: ['images/1.dcm', 'images/2.dcm'],
      }),
    ]);
    expect(JSON.stringify(findings)).not.toContain('1.1');
  }
});

test('are an error where a table gives both the same segmentation', async () => {
  const table: TreeFile = ['t.csv', 'image,mask\nimages/1.dcm,s.dcm\nimages/2.dcm,s.dcm\nimages/3.dcm,s3.dcm\n'];
  const masks: TreeFile[] = [
    ['s.dcm', drawn('1.1')],
    ['s3.dcm', drawn('1.3')],
  ];
  expect(await found('segmentation', [...twins, ...masks, table], 't.csv')).toEqual([
    expect.objectContaining({ severity: 'error', names: ['images/1.dcm', 'images/2.dcm'] }),
  ]);
});

test('are an error in two parts, and a warning in one', async () => {
  const files = (second: string): TreeFile[] => [
    ['train/a/1.dcm', slice({ uid: '1.1' })],
    [second, slice({ uid: '1.1' })],
    ['train/b/3.dcm', slice({ patient: 'P3' })],
    ['train/b/4.dcm', slice({ patient: 'P4' })],
  ];
  expect(await found('classification', files('test/a/2.dcm'))).toEqual([
    expect.objectContaining({ severity: 'error', names: ['test/a/2.dcm', 'train/a/1.dcm'] }),
  ]);
  expect(await found('classification', files('train/a/2.dcm'))).toEqual([
    expect.objectContaining({ severity: 'warning', names: ['train/a/1.dcm', 'train/a/2.dcm'] }),
  ]);
});

test('are one warning where all pictures bear one, and nothing where they are equal, or frames of one file', async () => {
  const all = ['a/1.dcm', 'b/2.dcm', 'b/3.dcm'].map((path): TreeFile => [path, slice({ uid: '1.1' })]);
  expect(await found('classification', all)).toEqual([
    expect.objectContaining({ severity: 'warning', message: 'all 3 DICOM pictures bear one SOP Instance UID' }),
  ]);
  const values = Array.from({ length: SIZE }, (_, at) => at);
  const equal = ['a/1.dcm', 'a/2.dcm'].map((path): TreeFile => [path, slice({ uid: '1.1', values })]);
  const cine: TreeFile = ['b/3.dcm', slice({ frames: 3, patient: 'P3' })];
  expect(await found('classification', [...equal, cine])).toEqual([]);
});
